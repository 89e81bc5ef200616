import { DemoStopped } from './client.ts'

/** Whether this page is the simulator's, which says so; Paystack's own is never pressed by a program. */
export const isSimulated = async (page: string): Promise<boolean> => {
  const response = await fetch(page).catch(() => undefined)
  return (await response?.text().catch(() => ''))?.includes('This is a simulator.') ?? false
}

/** Sends what a browser sends when somebody presses "Pay" with the card that pays. */
export const pressPay = async (page: string): Promise<void> => {
  const body = new URLSearchParams({ action: 'pay', scenario: 'success' })
  const { status } = await fetch(page, { method: 'POST', body, redirect: 'manual' })
  if (status !== 303) throw new DemoStopped(`The page answered ${status} to "Pay".`)
}
