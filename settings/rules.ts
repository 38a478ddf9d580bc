/** Rules between keys. A rule runs if the keys of its block have no faults by themselves. */
import type { z } from "zod";
import type { Hint } from "./hint";
import { amount } from "./quantity";

export type Checked<T> = z.core.ParsePayload<T>;

/** A rule between blocks. It runs if `blocks` have no faults. From other blocks it reads only their kinds. */
export interface RuleBetween<Blocks> {
    // A method, because TypeScript then accepts a rule for fewer blocks as a rule for more blocks.
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
        const allowed = "above 0 while maxUnavailable is 0: otherwise a rollout can't begin";
        issues.push(refusal(["maxSurge"], maxSurge, allowed, "25%"));
    }
}

export function rolloutOutlastsReadiness({
    value: { rolloutTimeoutSeconds, minReadySeconds },
    issues,
}: Checked<{ rolloutTimeoutSeconds: number; minReadySeconds: number }>) {
    if (rolloutTimeoutSeconds <= minReadySeconds) {
        const allowed = `above ${minReadySeconds}, which is minReadySeconds: otherwise no rollout ends in time`;
        issues.push(refusal(["rolloutTimeoutSeconds"], rolloutTimeoutSeconds, allowed, 2 * minReadySeconds));
    }
}

export function autoscaleHasRoom({
    value: { replicas, autoscale },
    issues,
}: Checked<{ replicas: number; autoscale?: { maxReplicas: number } }>) {
    if (autoscale !== undefined && autoscale.maxReplicas <= replicas) {
        const allowed = `above ${replicas}, which is replicas, the minimum`;
        issues.push(refusal(["autoscale", "maxReplicas"], autoscale.maxReplicas, allowed, 2 * replicas));
    }
}

/** While a task waits for its next attempt, it is unacknowledged. */
export function visibilityOutlastsTasks({
    value: { visibilityTimeoutSeconds, sendRetryMaxSeconds, sendLeaseSeconds },
    issues,
}: Checked<{ visibilityTimeoutSeconds: number; sendRetryMaxSeconds: number; sendLeaseSeconds: number }>) {
    const longest = sendRetryMaxSeconds + sendLeaseSeconds;
    if (visibilityTimeoutSeconds <= longest) {
        const allowed = `above ${longest}, which is sendRetryMaxSeconds + sendLeaseSeconds: otherwise waiting tasks are delivered twice`;
        issues.push(refusal(["visibilityTimeoutSeconds"], visibilityTimeoutSeconds, allowed, 2 * longest));
    }
}

export interface Toleration {
    key?: string;
    operator?: "Exists" | "Equal";
    value?: string;
    effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
    tolerationSeconds?: number;
}

/** The API server has these rules for a toleration. */
export function tolerationIsWhole({ value: { key, operator, value, effect, tolerationSeconds }, issues }: Checked<Toleration>) {
    if (key === undefined && operator !== "Exists") {
        issues.push(refusal(["operator"], operator, "Exists, as no key is given: it then matches every taint", "Exists"));
    }
    if (operator === "Exists" && value !== undefined && value !== "") {
        issues.push(refusal(["value"], value, "left out, as operator is Exists"));
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
        issues.push(refusal(["effect"], effect, "NoExecute, as tolerationSeconds is given", "NoExecute"));
    }
}

/** The issue of a rule. The command that repairs it needs an example, or it removes the key. */
export function refusal(path: PropertyKey[], found: unknown, allowed: string, example?: unknown) {
    const params: Hint = { byDefault: found, ...(example === undefined ? { remove: true } : { example }) };
    return { code: "custom" as const, path, input: found, message: allowed, params };
}
