/**
 * The lab itself could not do what was asked: an engine is missing, an image does not build, a container does not start.
 * Never the product's fault, so a test that ends with it says nothing about the product.
 */
export class LabError extends Error {
  override readonly name = 'LabError'
}

/** A condition that a test or the lab waited for did not come within its limit. */
export class NotReached extends Error {
  override readonly name = 'NotReached'
}
