/** Writes selectors of one stack's series: `series("up", 'job="sms-web"')` is `up{namespace="sms",job="sms-web"}`. */
export type Series = (metric: string, ...matchers: string[]) => string;

export function seriesIn(namespace: string): Series {
    return (metric, ...matchers) => `${metric}{${[`namespace="${namespace}"`, ...matchers].join(",")}}`;
}

/** Selects customers' requests. The other requests are the kubelet's probes, which a draining pod answers with 503. */
export const fromCustomers = 'route!~"/(healthz|readyz)"';
