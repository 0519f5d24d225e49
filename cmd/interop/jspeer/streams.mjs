// Moves the bytes of one libp2p stream to a socket and back.

import { CLOSE, DATA, END, RESET, dataFrames, frame, readFrames } from './frames.mjs'

/**
 * Connects a libp2p stream with a socket whose first line has been written. Both
 * directions run until the stream or the socket ends.
 */
export function join (stream, socket) {
  const toGo = new Outgoing(stream, socket)
  fromGo(stream, socket, toGo).catch(err => {
    toGo.reset(err)
    stream.abort(err)
    socket.resume() // throws away what the Go side still writes, up to its end
  })
}

/**
 * What the remote writes, on its way to the Go side.
 *
 * A stream of js-libp2p tells of its end in three ways that look alike:
 *  - the remote has closed its write side: 'remoteCloseWrite', or, if that came
 *    while the protocol was negotiated, only the state remoteWriteStatus;
 *  - the stream was reset: 'close' with an error;
 *  - the connection is lost: 'close' without an error, and remoteWriteStatus is
 *    'closed' as if the remote had closed it. What tells the difference is that
 *    there was no 'remoteCloseWrite' before.
 */
class Outgoing {
  constructor (stream, socket) {
    this.stream = stream
    this.socket = socket
    this.done = false // nothing more is written to the socket
    this.ended = stream.status === 'open' && stream.remoteWriteStatus === 'closed'
    this.endSent = false
    this.failure = undefined // why the stream is over, if not in good order

    stream.addEventListener('remoteCloseWrite', () => {
      this.ended = true
      this.settle()
    })
    stream.addEventListener('close', evt => this.closed(evt.error))
    // Adding this listener brings what has been read before.
    stream.addEventListener('message', evt => this.message(evt.data))
    if (stream.status !== 'open') {
      this.closed()
    }
    this.settle()
  }

  /** Passes bytes on, and stops the stream while the socket is full. */
  message (data) {
    if (this.done) {
      return
    }
    let full = false
    for (const part of dataFrames(data.subarray())) {
      full = !this.socket.write(part)
    }
    if (full && this.stream.readStatus === 'readable') {
      this.stream.pause()
      this.socket.once('drain', () => this.resume())
    }
    // Whether this was the last message is only known after the event.
    queueMicrotask(() => this.settle())
  }

  resume () {
    try {
      if (this.stream.readStatus === 'paused') {
        this.stream.resume()
      }
    } catch {
      // The messages have come. What failed is the window update, because the
      // connection is lost, and 'close' has said so.
    }
    this.settle()
  }

  /** The stream is over. In good order if the remote has closed its side before. */
  closed (err) {
    this.failure ??= err ?? (this.ended ? undefined : new Error('the connection was lost'))
    this.settle()
  }

  /** Says how it ends, once everything that was read has been passed on. */
  settle () {
    if (this.done || this.stream.readBufferLength > 0) {
      return
    }
    if (this.failure != null) {
      this.reset(this.failure)
    } else if (this.ended && !this.endSent) {
      this.endSent = true
      this.socket.write(frame(END))
    }
  }

  /** Tells the Go side that the stream was reset. */
  reset (err) {
    if (this.done) {
      return
    }
    this.done = true
    this.socket.write(frame(RESET, Buffer.from(err.message)))
    this.socket.destroySoon() // so that the Go side's next write fails as well
  }

  /** The Go side wants nothing more: what still comes is thrown away. */
  async finish () {
    if (this.done) {
      return
    }
    this.done = true
    this.resume()
    await this.stream.closeRead()
    this.socket.end()
  }
}

/** Does what the Go side says, until it ends the connection. */
async function fromGo (stream, socket, toGo) {
  let closed = false
  for await (const { type, payload } of readFrames(socket)) {
    switch (type) {
      case DATA:
        // The bytes are copied: they are part of a buffer that is used again.
        if (!stream.send(Uint8Array.from(payload))) {
          await drained(stream)
        }
        break
      case END:
        await stream.close()
        break
      case CLOSE:
        closed = true
        await stream.close()
        await toGo.finish()
        break
      case RESET:
        toGo.done = true
        stream.abort(new Error('reset by the Go side'))
        socket.destroy()
        return
      default:
        throw new Error(`a frame of type ${type}`)
    }
  }
  if (!closed) {
    toGo.done = true
    stream.abort(new Error('the Go side is gone'))
  }
}

/**
 * Waits until the stream takes bytes again. It throws if that never happens.
 *
 * stream.onDrain() would be the same, but it waits only once in a stream's life:
 * its promise is made once and stays resolved (@libp2p/utils 7.4.1,
 * abstract-message-stream.ts).
 */
async function drained (stream) {
  await new Promise(resolve => {
    const done = () => {
      stream.removeEventListener('drain', done)
      stream.removeEventListener('close', done)
      resolve()
    }
    stream.addEventListener('drain', done)
    stream.addEventListener('close', done)
  })
  if (stream.writeStatus !== 'writable') {
    throw new Error(`the stream is ${stream.status}`)
  }
}
