import { DisputeAnswer, EvidenceAnswer, UploadAnswer } from './paystack-answers.ts'
import { dataOf, whole, type PaystackCall } from './paystack-http.ts'
import type { DisputeEvidence, PaymentProvider, ProviderAnswer, ProviderDispute } from './provider.ts'

type Disputes = Pick<PaymentProvider, 'dispute' | 'contestDispute' | 'acceptDispute'>
type Resolution = { resolution: string; message: string; refund_amount: number; evidence?: number }

/** https://paystack.com/docs/api/dispute/ */
export const createPaystackDisputes = (call: PaystackCall): Disputes => {
  const resolve = async (
    id: string,
    resolution: Resolution,
    signal: AbortSignal,
  ): Promise<ProviderAnswer<ProviderDispute>> => {
    // A file must be named even when there is nothing to show.
    const place = `${pathOf(id)}/upload_url?upload_filename=none.txt`
    const upload = dataOf(await call({ method: 'GET', path: place, answer: UploadAnswer, signal }))
    if (!upload.ok) return upload.kind === 'unknown' ? { ...upload, kind: 'not_done' } : upload
    const body = { ...resolution, uploaded_filename: upload.data.fileName }
    const path = `${pathOf(id)}/resolve`
    return dataOf(await call({ method: 'PUT', path, body, answer: DisputeAnswer, signal }))
  }
  return {
    dispute: async (id, signal) =>
      dataOf(await call({ method: 'GET', path: pathOf(id), answer: DisputeAnswer, signal })),
    contestDispute: async (id, evidence, signal) => {
      const request = { method: 'POST', path: `${pathOf(id)}/evidence`, body: bodyOf(evidence) } as const
      const taken = dataOf(await call({ ...request, answer: EvidenceAnswer, signal }))
      if (!taken.ok) return taken
      const declined = { resolution: 'declined', message: 'See the evidence.', refund_amount: 0 }
      return resolve(id, { ...declined, evidence: taken.data.id }, signal)
    },
    acceptDispute: (id, { message, amountMinor }, signal) => {
      const refund_amount = whole(amountMinor)
      return resolve(id, { resolution: 'merchant-accepted', message, refund_amount }, signal)
    },
  }
}

const pathOf = (id: string) => `/dispute/${encodeURIComponent(id)}`

const bodyOf = (evidence: DisputeEvidence) => ({
  customer_email: evidence.customerEmail,
  customer_name: evidence.customerName,
  customer_phone: evidence.customerPhone,
  service_details: evidence.serviceDetails,
  ...(evidence.deliveryAddress ? { delivery_address: evidence.deliveryAddress } : {}),
  ...(evidence.deliveryDate ? { delivery_date: evidence.deliveryDate } : {}),
})
