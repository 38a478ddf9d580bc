/** What must hold between keys. A rule runs once the keys of its block are in order by themselves. */
import type { z } from "zod";
import { amount } from "./quantity";
import type { Hint } from "./values";

export type Checked<T> = z.core.ParsePayload<T>;

/** A rule between blocks, with those that have to be in order first; of the others it looks at no more than kinds. */
export interface RuleBetween<Blocks> {
    // A method: what asks for fewer blocks is good for more.
    rule(payload: Checked<Blocks>): void;
    blocks: (keyof Blocks)[];
}

interface Amounts {
    cpu: string;
    memory: string;
}

export function requestsAreWithinLimits({ value: { requests, limits }, issues }: Checked<{ requests: Amounts; limits: Amounts }>) {
    for (const key of ["cpu", "memory"] as const) {
        if (Number(amount(requests[key])) > Number(amount(limits[key]))) {
            issues.push(refusal(["requests", key], requests[key], `at most ${limits[key]}, which is limits.${key}`, limits[key]));
        }
    }
}

export function rolloutCanBegin({
    value: { maxSurge, maxUnavailable },
    issues,
}: Checked<Record<"maxSurge" | "maxUnavailable", string | number>>) {
    if (Number.parseInt(`${maxSurge}`, 10) + Number.parseInt(`${maxUnavailable}`, 10) === 0) {
        const allowed = "above 0 while maxUnavailable is 0: with neither, a rollout can't take its first step";
        issues.push(refusal(["maxSurge"], maxSurge, allowed, "25%"));
    }
}

export function rolloutOutlastsReadiness({
    value: { rolloutTimeoutSeconds, minReadySeconds },
    issues,
}: Checked<{ rolloutTimeoutSeconds: number; minReadySeconds: number }>) {
    if (rolloutTimeoutSeconds <= minReadySeconds) {
        const allowed = `above ${minReadySeconds}, which is minReadySeconds: or no rollout ends in time`;
        issues.push(refusal(["rolloutTimeoutSeconds"], rolloutTimeoutSeconds, allowed, 2 * minReadySeconds));
    }
}

export function autoscaleHasRoom({
    value: { replicas, autoscale },
    issues,
}: Checked<{ replicas: number; autoscale?: { maxReplicas: number } }>) {
    if (autoscale !== undefined && autoscale.maxReplicas <= replicas) {
        const allowed = `above ${replicas}, which is replicas, the least that there are`;
        issues.push(refusal(["autoscale", "maxReplicas"], autoscale.maxReplicas, allowed, 2 * replicas));
    }
}

/** A task that waits for its next attempt is unacknowledged all the while. */
export function visibilityOutlastsTasks({
    value: { visibilityTimeoutSeconds, sendRetryMaxSeconds, sendLeaseSeconds },
    issues,
}: Checked<{ visibilityTimeoutSeconds: number; sendRetryMaxSeconds: number; sendLeaseSeconds: number }>) {
    const longest = sendRetryMaxSeconds + sendLeaseSeconds;
    if (visibilityTimeoutSeconds <= longest) {
        const allowed = `above ${longest}, which is sendRetryMaxSeconds + sendLeaseSeconds: or waiting tasks are delivered twice`;
        issues.push(refusal(["visibilityTimeoutSeconds"], visibilityTimeoutSeconds, allowed, 2 * longest));
    }
}

/** What a rule says; the command that mends it needs an example. */
export function refusal(path: PropertyKey[], found: unknown, allowed: string, example?: unknown) {
    const params: Hint = { byDefault: found, ...(example === undefined ? { remove: true } : { example }) };
    return { code: "custom" as const, path, input: found, message: allowed, params };
}
