/** What the page says of each status; the script of the page says the same when the status changes. */
export const SENTENCES = {
  valid: { headline: 'Valid', about: 'The issuer stands by this credential.' },
  expired: { headline: 'Expired', about: 'It was good until it ended, and has not been renewed.' },
  suspended: {
    headline: 'Suspended',
    about: 'The issuer does not stand by it for now. It may be good again.',
  },
  revoked: { headline: 'Revoked', about: 'The issuer has taken it back for good. Do not accept it.' },
} as const

/**
 * Keeps an open page true: it watches over the same socket as everybody, in the few words of Engine.IO that this takes, so
 * that no library has to be loaded. Without it the page is as good, until it is read a second time.
 */
export const VERIFY_SCRIPT = `
(() => {
  const main = document.querySelector('main[data-watch]')
  if (!main) return
  const sentences = ${JSON.stringify(SENTENCES)}
  const id = (name) => document.getElementById(name)
  const tell = (text) => { id('live').textContent = text }
  const instant = (element, at) => {
    element.dateTime = at
    element.textContent = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'medium', timeZone: 'UTC' }).format(new Date(at)) + ' UTC'
  }
  const show = (standing) => {
    const { headline, about } = sentences[standing.status]
    const state = id('state')
    if (state.dataset.status !== standing.status) {
      state.dataset.status = standing.status
      id('headline').textContent = headline
      id('about').textContent = about
      document.title = document.title.replace(/^[^:]*/, headline)
    }
    instant(id('since'), standing.since)
    instant(id('checked'), standing.checkedAt)
    if (id('expires') && standing.expiresAt) instant(id('expires'), standing.expiresAt)
  }
  const MOST_MS = 60000
  let wait = 1000
  let ended = false
  const open = () => {
    const socket = new WebSocket((location.protocol === 'https:' ? 'wss://' : 'ws://') + location.host + '/socket.io/?EIO=4&transport=websocket')
    socket.onmessage = ({ data }) => {
      if (data === '2') socket.send('3')
      else if (data[0] === '0') socket.send('40/verify,')
      else if (data.startsWith('40/verify,')) socket.send('42/verify,0["watch",' + main.dataset.watch + ']')
      else if (data.startsWith('43/verify,0')) {
        const [reply] = JSON.parse(data.slice(11))
        if (!reply.ok) {
          ended = true
          return socket.close()
        }
        wait = 1000
        show(reply.data)
        tell('This page changes by itself when the status does.')
      } else if (data.startsWith('42/verify,')) {
        const [name, standing] = JSON.parse(data.slice(10))
        if (name === 'credential.status') {
          show(standing)
          tell('The status has changed: ' + sentences[standing.status].headline + '.')
        } else if (name === 'credential.gone') {
          id('state').dataset.status = 'unknown'
          id('headline').textContent = 'Not shown any more'
          id('about').textContent = 'Its holder does not show it any more. What is said below was so before.'
          document.title = document.title.replace(/^[^:]*/, 'Not shown any more')
          ended = true
          socket.close()
        }
      }
    }
    socket.onclose = () => {
      tell(ended ? 'Load the page again to check once more.' : 'The connection is lost. What is shown may be old.')
      if (ended) return
      setTimeout(open, wait * (0.5 + Math.random()))
      wait = Math.min(wait * 2, MOST_MS)
    }
  }
  open()
})()
`
