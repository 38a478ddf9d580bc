/** Rules for access from outside. */
import { listOf, podsOf } from "./pods";
import { type Inputs, objectName, type ResourcePolicy, unknown } from "./policy";
import { admitsEverybody } from "./stores";

/** The port of web, which requires a token. */
const webPort = 8004;
const prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

export const internetIsEncrypted: ResourcePolicy = {
    name: "internet-encrypted",
    description: "Online, a load balancer on the internet encrypts its connections.",
    faults: (resource) => {
        const { type, inputs } = resource;
        const annotations = inputs.metadata?.annotations ?? {};
        if (
            type !== "kubernetes:core/v1:Service" ||
            inputs.spec?.type !== "LoadBalancer" ||
            !resource.isProduction ||
            annotations === unknown
        ) {
            return [];
        }
        // Without this annotation Alibaba Cloud's controller opens the Service to the internet.
        const isInternal = annotations[`${prefix}address-type`] === "intranet";
        const listeners = String(annotations[`${prefix}protocol-port`] ?? "tcp").split(",");
        const isEncrypted = listeners.every((listener) => /^(tcpssl|https):/.test(listener));
        return isInternal || isEncrypted
            ? []
            : [`Service ${objectName(resource)} answers the internet without encryption; allowed: a certificateId, or the scheme internal`];
    },
};

export const entranceIsListed: ResourcePolicy = {
    name: "entrance-listed",
    description: "A load balancer on the internet, and every other opening, names the networks that may connect, and never everybody.",
    faults: (resource) => {
        const { type, inputs } = resource;
        const name = objectName(resource);
        if (type === "kubernetes:core/v1:Service" && inputs.spec?.type === "LoadBalancer") {
            const annotations = inputs.metadata?.annotations ?? {};
            const ranges = listed(inputs.spec.loadBalancerSourceRanges);
            const isOpen =
                annotations !== unknown &&
                annotations[`${prefix}address-type`] !== "intranet" &&
                !annotations[`${prefix}security-group-ids`] &&
                ranges.length === 0;
            return [
                ...(isOpen && resource.isProduction
                    ? [
                          `Service ${name} answers everybody on the internet; allowed: sms:loadBalancer.securityGroupIds, or the scheme internal`,
                      ]
                    : []),
                ...everybody(ranges).map(
                    (range) => `Service ${name} answers ${range}, which is everybody; allowed: the networks that may connect`,
                ),
            ];
        }
        if (type === "alicloud:ecs/securityGroupRule:SecurityGroupRule" && inputs.type === "ingress" && inputs.policy !== "drop") {
            return everybody(listed([inputs.cidrIp, inputs.ipv6CidrIp])).map(
                (range) => `Security group rule ${name} lets ${range} in, which is everybody; allowed: the networks that may connect`,
            );
        }
        if (type === "alicloud:oss/bucketAcl:BucketAcl" || type === "alicloud:oss/bucket:Bucket") {
            return /^public/.test(String(inputs.acl))
                ? [`Bucket ${inputs.bucket ?? name} is ${inputs.acl}: anybody can read it; allowed: private`]
                : [];
        }
        return type === "kubernetes:networking.k8s.io/v1:NetworkPolicy"
            ? openings(inputs).map((fault) => `NetworkPolicy ${name} ${fault}`)
            : [];
    },
};

/** Only web's port may be open to everybody, because web requires a token. */
function openings({ spec }: Inputs): string[] {
    return listOf(spec?.ingress)
        .filter(({ from, ports }) => isAnybody(from) && !isWebs(listOf(ports)))
        .map(() => `lets everybody in on more than port ${webPort}; allowed: only sources that need it`);
}

function isWebs(ports: readonly Inputs[]): boolean {
    return ports.length > 0 && ports.every(({ port }) => port === webPort || port === unknown);
}

function isAnybody(from: unknown): boolean {
    const blocks = listOf(from).map(({ ipBlock }) => ipBlock?.cidr);
    return from !== unknown && (listOf(from).length === 0 || everybody(listed(blocks)).length > 0);
}

function everybody(ranges: readonly string[]): string[] {
    return ranges.filter(admitsEverybody);
}

function listed(values: unknown): string[] {
    return (Array.isArray(values) ? values : []).filter((value): value is string => typeof value === "string");
}

export const strangersAreRefused: ResourcePolicy = {
    name: "strangers-refused",
    description: "Online, a message costs money, so nobody sends one without a client's token.",
    faults: (resource) =>
        resource.isProduction
            ? podsOf(resource).flatMap(({ owner, containers, initContainers }) =>
                  [...containers, ...initContainers]
                      .filter(({ env }) => listOf(env).some(({ name, value }) => name === "OPEN_TO_ANYBODY" && !isFalse(value)))
                      .map(
                          ({ name }) =>
                              `${owner}: container ${name} is open to anybody (OPEN_TO_ANYBODY); allowed: sms:clients in place of sms:openToAnybody`,
                      ),
              )
            : [],
};

/** Reads the value as the app does. */
function isFalse(value: unknown): boolean {
    return value === unknown || /^(|0|f|false|n|no|off)$/i.test(String(value ?? ""));
}
