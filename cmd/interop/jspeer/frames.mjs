// The frames of a stream connection, as written in the comment of the Go package
// bridge: one byte type, four bytes length (big-endian), the payload.

export const DATA = 'd'
export const END = 'e'
export const RESET = 'r'
export const CLOSE = 'c'

const HEADER = 5
const MAX_PAYLOAD = 64 * 1024

/** One frame, ready to be written to the socket. */
export function frame (type, payload = Buffer.alloc(0)) {
  const header = Buffer.allocUnsafe(HEADER)
  header.write(type, 0, 'latin1')
  header.writeUInt32BE(payload.length, 1)
  return Buffer.concat([header, payload])
}

/** Frames with as many bytes as there are. */
export function * dataFrames (bytes) {
  for (let at = 0; at < bytes.length; at += MAX_PAYLOAD) {
    yield frame(DATA, bytes.subarray(at, at + MAX_PAYLOAD))
  }
}

/**
 * Reads the frames that come over a socket, one at a time. Who stops before the end
 * leaves the socket as it is: what has been written to it may be on its way.
 */
export async function * readFrames (socket) {
  let rest = Buffer.alloc(0)
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= HEADER) {
      const length = rest.readUInt32BE(1)
      if (length > MAX_PAYLOAD) {
        throw new Error(`a frame of ${length} bytes`)
      }
      if (rest.length < HEADER + length) {
        break
      }
      yield { type: rest.toString('latin1', 0, 1), payload: rest.subarray(HEADER, HEADER + length) }
      rest = rest.subarray(HEADER + length)
    }
  }
}
