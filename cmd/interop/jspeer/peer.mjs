// The adapter between the Go package bridge, whose comment describes the
// conversation, and a js-libp2p host.

import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { LackingError, MAX_STREAMS, makeHost, versions } from './host.mjs'
import { join } from './streams.mjs'

const { values: flags } = parseArgs({
  options: {
    socket: { type: 'string' },
    security: { type: 'string' },
    muxer: { type: 'string' },
    protocols: { type: 'string' }
  }
})

/** Dials the Go side and says what the connection is for. */
async function dial (first) {
  const socket = createConnection(flags.socket)
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {}) // 'close' follows, and whoever reads sees the end
  socket.write(JSON.stringify(first) + '\n')
  return socket
}

let host
try {
  host = await makeHost(flags)
} catch (err) {
  const control = await dial({ kind: 'control', error: err.message, lacking: err instanceof LackingError })
  control.end()
  process.exit(err instanceof LackingError ? 0 : 1)
}

// What identify said, by connection; or who waits for it.
const identified = new Map()
function identity (connection) {
  if (!identified.has(connection.id)) {
    identified.set(connection.id, Promise.withResolvers())
  }
  return identified.get(connection.id)
}
host.addEventListener('peer:identify', evt => identity(evt.detail.connection).resolve(evt.detail))
host.addEventListener('connection:close', evt => {
  identity(evt.detail).promise.catch(() => {}) // nobody may be waiting
  identity(evt.detail).reject(new Error('the connection has ended'))
  identified.delete(evt.detail.id)
})

for (const protocol of flags.protocols.split(',').filter(name => name !== '')) {
  await host.handle(protocol, async (stream, connection) => {
    try {
      join(stream, await dial({ kind: 'inbound', peer: connection.remotePeer.toString(), protocol }))
    } catch (err) {
      stream.abort(err)
    }
  }, { maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS })
}

/** The newest connection with a peer that is there. */
function connectionWith (peer) {
  const open = host.getConnections(peerIdFromString(peer)).filter(c => c.status === 'open')
  if (open.length === 0) {
    throw new Error(`no connection with ${peer}`)
  }
  return open[open.length - 1]
}

/** This side's address of a connection, which js-libp2p does not tell. */
function localAddress (connection) {
  const { localAddress, localPort } = connection.maConn.socket
  return `/ip4/${localAddress}/tcp/${localPort}`
}

// What the Go side can ask for.
const commands = {
  async connect ({ addr }, signal) {
    await host.dial(multiaddr(addr), { signal })
    return {}
  },

  async disconnect ({ peer }, signal) {
    await host.hangUp(peerIdFromString(peer), { signal })
    return {}
  },

  async connected ({ peer }) {
    return { connected: host.getConnections(peerIdFromString(peer)).length > 0 }
  },

  async open ({ peer, protocols, stream: name }, signal) {
    // js-libp2p knows nothing but to wait for the answer to its proposal.
    const stream = await connectionWith(peer).newStream(protocols, { signal, maxOutboundStreams: MAX_STREAMS })
    try {
      join(stream, await dial({ kind: 'stream', stream: name, protocol: stream.protocol }))
    } catch (err) {
      stream.abort(err)
      throw err
    }
    return { protocol: stream.protocol }
  },

  // js-libp2p has a new stream for every ping, and tells the time in milliseconds.
  // So this is the time of the whole, from the opening of the stream on.
  async ping ({ peer, count }, signal, partial) {
    const { remotePeer } = connectionWith(peer)
    partial.rtts_ns = []
    while (partial.rtts_ns.length < count) {
      const begin = process.hrtime.bigint()
      await host.services.ping.ping(remotePeer, { signal })
      partial.rtts_ns.push(Number(process.hrtime.bigint() - begin))
    }
    return {}
  },

  async identify ({ peer }, signal) {
    const connection = connectionWith(peer)
    const got = await Promise.race([identity(connection).promise, aborted(signal)])
    return {
      agent: got.agentVersion ?? '',
      protocolVersion: got.protocolVersion ?? '',
      protocols: got.protocols,
      listen: got.listenAddrs.map(String),
      observed: String(got.observedAddr ?? ''),
      local: localAddress(connection)
    }
  },

  async close () {
    await host.stop()
    return {}
  }
}

function aborted (signal) {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

/** The Go side's name for an error. */
function kind (err) {
  switch (err.name) {
    case 'UnsupportedProtocolError': return 'refused'
    case 'StreamResetError': return 'reset'
    default: return ''
  }
}

const underWay = new Map() // AbortControllers of the requests, by number

async function obey (control, request) {
  if (request.do === 'cancel') {
    underWay.get(request.request)?.abort(new Error('cancelled'))
    return
  }
  const controller = new AbortController()
  underWay.set(request.n, controller)
  const answer = { n: request.n, ok: true }
  try {
    Object.assign(answer, await commands[request.do](request, controller.signal, answer))
  } catch (err) {
    Object.assign(answer, { ok: false, error: `${err.name}: ${err.message}`, kind: kind(err) })
  }
  underWay.delete(request.n)
  control.write(JSON.stringify(answer) + '\n')
  if (request.do === 'close') {
    control.end(() => process.exit(answer.ok ? 0 : 1))
  }
}

const control = await dial({
  kind: 'control',
  id: host.peerId.toString(),
  addrs: host.getMultiaddrs().map(String),
  agent: host.services.identify.host.agentVersion,
  versions: versions()
})
control.on('close', () => process.exit(0)) // whoever started this is gone
for await (const line of createInterface({ input: control })) {
  obey(control, JSON.parse(line))
}
