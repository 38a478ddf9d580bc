/** Writes selectors of one stack's series: `series("up", 'job="sms-web"')` is `up{namespace="sms",job="sms-web"}`. */
export type Series = (metric: string, ...matchers: string[]) => string;

export function seriesIn(namespace: string): Series {
    return (metric, ...matchers) => `${metric}{${[`namespace="${namespace}"`, ...matchers].join(",")}}`;
}

/** What customers ask for; kubelet and Prometheus ask for the rest, and a pod that drains says 503 to them. */
export const fromCustomers = 'route!~"/(healthz|readyz|metrics)"';
