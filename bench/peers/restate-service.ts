import { serve } from '@restatedev/restate-sdk'
import { xstate } from '@restatedev/xstate'
import { paymentMachine } from './payment.ts'

await serve({ services: [xstate('payment', paymentMachine)], port: Number(process.argv[2]) })
process.on('disconnect', () => process.exit(0))
process.send!('listening')
