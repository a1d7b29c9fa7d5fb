import '@mantine/charts/styles.css'
import { BarChart } from '@mantine/charts'
import { useMailingsFormat } from './format.ts'
import classes from './mailings.module.css'

export type Series = { name: string; label: string; status: 'sent' | 'error' | 'expired' }
type Props = {
  data: Record<string, string | number>[]
  /** The field of the data that names a bar. */
  by: string
  series: Series[]
  isLying?: boolean
}

/**
 * Bars one upon the other, each kind with a pattern of its own besides its colour. For the eye alone: whoever draws them puts
 * the same figures into a table.
 */
export default function Bars({ data, by, series, isLying = false }: Props) {
  const { number } = useMailingsFormat()
  return (
    <div aria-hidden className={classes.chart}>
      <svg width="0" height="0" className={classes.patterns} aria-hidden="true">
        <defs>
          <pattern id="mailing-error" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="6" height="6" fill="var(--mailing-error)" />
            <rect width="2" height="6" fill="var(--dvor-card)" fillOpacity="0.55" />
          </pattern>
          <pattern id="mailing-expired" width="6" height="6" patternUnits="userSpaceOnUse">
            <rect width="6" height="6" fill="var(--mailing-expired)" />
            <circle cx="3" cy="3" r="1.2" fill="var(--dvor-card)" fillOpacity="0.7" />
          </pattern>
        </defs>
      </svg>
      <BarChart
        h={isLying ? data.length * 38 + 44 : 240}
        data={data}
        dataKey={by}
        type="stacked"
        orientation={isLying ? 'vertical' : 'horizontal'}
        series={series.map(({ name, label, status }) => ({ name, label, color: `var(--mailing-${status})` }))}
        valueFormatter={number}
        gridAxis={isLying ? 'y' : 'x'}
        tickLine="none"
        barChartProps={{ accessibilityLayer: false }}
        barProps={({ name }) => {
          const status = series.find((one) => one.name === name)?.status
          return {
            isAnimationActive: false,
            maxBarSize: 44,
            ...(status !== 'sent' && { fill: `url(#mailing-${status})`, fillOpacity: 1 }),
          }
        }}
        tooltipAnimationDuration={0}
      />
    </div>
  )
}
