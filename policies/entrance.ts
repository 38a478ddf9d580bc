/** Rules for the way in. */
import { isOnline, objectName, type ResourcePolicy, unknown } from "./policy";

const prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

export const internetIsEncrypted: ResourcePolicy = {
    name: "internet-encrypted",
    description: "Nobody online is asked over the internet without encryption.",
    faults: (resource) => {
        const { type, inputs } = resource;
        const annotations = inputs.metadata?.annotations ?? {};
        if (
            type !== "kubernetes:core/v1:Service" ||
            inputs.spec?.type !== "LoadBalancer" ||
            !isOnline(resource) ||
            annotations === unknown
        ) {
            return [];
        }
        // Alibaba Cloud's controller opens to the internet what doesn't say otherwise.
        const isInternal = annotations[`${prefix}address-type`] === "intranet";
        const listeners = String(annotations[`${prefix}protocol-port`] ?? "tcp").split(",");
        const isEncrypted = listeners.every((listener) => /^(tcpssl|https):/.test(listener));
        return isInternal || isEncrypted
            ? []
            : [`Service ${objectName(resource)} answers the internet without encryption; allowed: a certificateId, or the scheme internal`];
    },
};
