import { once } from 'node:events'
import { createServer, type TlsOptions } from 'node:tls'
import dimse from 'dcmjs-dimse'

const { PresentationContextResult, TransferSyntax } = dimse.constants

/** An archive called PACS that takes associations from HEALTHCHECK alone. */
class Archive extends dimse.Scp {
  override associationRequested(association: dimse.association.Association): void {
    if (association.getCallingAeTitle().trim() !== 'HEALTHCHECK') {
      const { RejectResult, RejectSource, RejectReason } = dimse.constants
      this.sendAssociationReject(RejectResult.Permanent, RejectSource.ServiceUser, RejectReason.CallingAeNotRecognized)
      return
    }
    for (const { id } of association.getPresentationContexts()) {
      association
        .getPresentationContext(id)
        .setResult(PresentationContextResult.Accept, TransferSyntax.ImplicitVRLittleEndian)
    }
    this.sendAssociationAccept()
  }
}

/** A DICOM service on loopback that is reached by TLS alone. */
export async function tlsArchive(options: TlsOptions): Promise<AsyncDisposable & { port: number }> {
  dimse.log.setLevel('silent')
  const open = new Set<{ destroy(): void }>()
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined)
    new Archive(socket, {})
  })
  server.on('connection', (socket) => void open.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
