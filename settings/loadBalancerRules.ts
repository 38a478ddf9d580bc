/** Rules for a load balancer in front of web. */
import { type Checked, type RuleBetween, refusal } from "./rules";

export interface Entrance {
    loadBalancer?: { drainSeconds: number };
    cluster: { kind?: string };
    network?: object;
    web: { preStopSeconds: number; gracefulTimeoutSeconds: number };
}

export const loadBalancerRules: RuleBetween<Entrance>[] = [
    { rule: somebodyMakesIt, blocks: ["loadBalancer", "cluster", "network"] },
    { rule: itDrainsLongerThanPods, blocks: ["loadBalancer", "web"] },
];

/** The cloud controller of an ACK cluster creates it, with an address in each zone's vSwitch. */
function somebodyMakesIt({ value: { loadBalancer, network }, issues }: Checked<Entrance>) {
    if (loadBalancer !== undefined && network === undefined) {
        const allowed = "existing or new, as sms:loadBalancer is given: it has an address in each zone's vSwitch";
        issues.push(refusal(["network", "kind"], undefined, allowed, "existing"));
    }
}

function itDrainsLongerThanPods({ value: { loadBalancer, web }, issues }: Checked<Entrance>) {
    const seconds = web.preStopSeconds + web.gracefulTimeoutSeconds;
    if (loadBalancer !== undefined && loadBalancer.drainSeconds <= seconds) {
        const allowed = `above ${seconds}, which is sms:web's preStopSeconds + gracefulTimeoutSeconds: otherwise responses are cut off`;
        issues.push(refusal(["loadBalancer", "drainSeconds"], loadBalancer.drainSeconds, allowed, Math.min(900, seconds + 20)));
    }
}
