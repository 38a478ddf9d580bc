import type { Toleration } from "./rules";

/** The nodes on which pods may run, and the pods' priority. The keys are those of a pod's spec. */
export interface Placement {
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly tolerations?: readonly Toleration[];
    readonly priorityClassName?: string;
}

/** The workload, with its missing keys from `sms:placement`. Labels are merged one by one, and any other key is taken as a whole. */
export function placedBy<T extends { placement?: Placement }>(common: Placement | undefined, workload: T): T {
    const { placement: own } = workload;
    if (common === undefined || own === undefined) {
        return common === undefined ? workload : { ...workload, placement: common };
    }
    const nodeSelector = common.nodeSelector && { ...common.nodeSelector, ...own.nodeSelector };
    return { ...workload, placement: { ...common, ...own, ...(nodeSelector ? { nodeSelector } : {}) } };
}
