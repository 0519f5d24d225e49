// The js-libp2p host: what it is made of.

import { readFileSync } from 'node:fs'
import { identify } from '@libp2p/identify'
import { mplex } from '@libp2p/mplex'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

/** Says that js-libp2p does not have what was asked for. */
export class LackingError extends Error {}

// js-libp2p always sends its muxers inside the noise handshake and uses what the
// other side sends there ("noise-early"). With a side that sends none it negotiates
// the muxer afterwards ("noise"). There is no switch.
const securities = { noise, 'noise-early': noise, tls, plaintext }

// Every stream of js-libp2p may hold 4 MiB that nobody has read, and is reset by
// js-libp2p itself when there is one byte more. A remote may well do that without
// any fault: the window of js-yamux grows to 16 MiB, and mplex has no windows. So a
// reader that pauses needs another limit.
const streamOptions = { maxReadBufferLength: 256 * 1024 * 1024 }
const muxers = {
  yamux: () => yamux({ streamOptions }),
  // js-mplex closes a connection on which the remote opens more than five streams
  // within a second.
  mplex: () => mplex({ streamOptions, disconnectThreshold: 10_000 })
}

// More than any check opens. The limits of js-libp2p are 32 inbound and 64 outbound
// streams of a protocol on a connection.
export const MAX_STREAMS = 1000

/** Makes a host that listens on 127.0.0.1. Its handlers are still to be added. */
export async function makeHost ({ security, muxer }) {
  if (!Object.hasOwn(securities, security)) {
    throw new LackingError(`js-libp2p has no security ${security}`)
  }
  if (!Object.hasOwn(muxers, muxer)) {
    throw new LackingError(`js-libp2p has no muxer ${muxer}`)
  }
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [securities[security]()],
    streamMuxers: [muxers[muxer]()],
    services: { identify: identify(), ping: ping() },
    connectionManager: {
      // Each check has a connection of its own, all from the same address. The
      // limit of js-libp2p is five a second.
      inboundConnectionThreshold: 10_000
    }
  })
}

/** The versions of what the host is made of. What is installed is what is asked for. */
export function versions () {
  const { dependencies } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url)))
  return { node: process.version, ...dependencies }
}
