import { sideBySide } from '../../lib/index.ts'
import type { Run, World } from './world.ts'

/** Images at a time: one unpacks while another comes over the network. */
const AT_A_TIME = 3

/** Has the engine pull images by digest. @throws Failure `refused` with the first that cannot be had */
export async function pullAll(images: readonly string[], run: Run, world: World): Promise<void> {
  await sideBySide(AT_A_TIME, images, (image) => world.engine.pull(image, run.signal))
}
