import { lookup as resolve, type LookupAddress } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** IANA's special-purpose registries (RFC 6890 and what came after it). */
const SPECIAL_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const

/** Of the part of IPv6 that is given out; some of it leads back to IPv4. */
const SPECIAL_IPV6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const

const special = new BlockList()
for (const [net, bits] of SPECIAL_IPV4) special.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of SPECIAL_IPV6) special.addSubnet(net, bits, 'ipv6')
const given = new BlockList()
given.addSubnet('2000::', 3, 'ipv6')
const loopbacks = new BlockList()
loopbacks.addSubnet('127.0.0.0', 8, 'ipv4')
loopbacks.addAddress('::1', 'ipv6')

const familyOf = (address: string) => (['ipv4', 'ipv6'] as const)[[4, 6].indexOf(isIP(address))]

/** Whether an address is one of the open Internet, by which everybody means the same; nothing else is one. */
export const isPublic = (address: string): boolean => {
  const family = familyOf(address)
  if (family === undefined || special.check(address, family)) return false
  return family === 'ipv4' || given.check(address, family)
}

/** Whether an address is this machine. */
export const isLoopback = (address: string): boolean => {
  const family = familyOf(address)
  return family !== undefined && loopbacks.check(address, family)
}

/** The code of the error for a name that leads to anything but public addresses. */
export const NOT_PUBLIC = 'ENOTPUBLIC'

/**
 * Looks a name up and connects to what was found: asking twice would let a name mean something else the second time. One
 * private address among the found ones is enough to refuse.
 * @param loopback this machine is allowed, too: for tests and development
 */
export const createPublicLookup =
  (loopback: boolean): LookupFunction =>
  (hostname, { all = false, ...options }, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return callback(error, [])
      const isAllowed = found.every(({ address }) => isPublic(address) || (loopback && isLoopback(address)))
      const [first] = found
      if (!isAllowed || !first)
        return callback(Object.assign(new Error('is not a public address'), { code: NOT_PUBLIC }), [])
      if (all) callback(null, found)
      else callback(null, first.address, first.family)
    })
  }
