import type { Inputs, Resource, ResourcePolicy } from "../../policies/policy";

/** A resource of a production stack that all policies accept. */
export function resource(type: string, name: string, inputs: Inputs, more: Partial<Resource> = {}): Resource {
    return { type, name, isProduction: true, inputs, protect: false, ...more };
}

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

export const goodContainer: Inputs = {
    name: "sms-web",
    image: `registry.example.com/sms:abc@${digest}`,
    command: ["python", "-m", "sms.serve"],
    env: [{ name: "ENV", value: "online" }],
    envFrom: [{ secretRef: { name: "env-secret" } }],
    resources: { requests: { cpu: "0.1", memory: "200Mi" }, limits: { cpu: "1", memory: "800Mi" } },
    readinessProbe: { httpGet: { path: "/readyz", port: 8004 } },
    livenessProbe: { httpGet: { path: "/healthz", port: 8004 } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
};

export const goodPod: Inputs = {
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: "RuntimeDefault" } },
    containers: [goodContainer],
    volumes: [{ name: "tmp", emptyDir: {} }],
};

/** A Deployment with changes to the good container, pod, spec or stack. */
export function deployment({
    container = {},
    pod = {},
    spec = {},
    isProduction = true,
}: {
    container?: Inputs;
    pod?: Inputs;
    spec?: Inputs;
    isProduction?: boolean;
}): Resource {
    const template = { spec: { ...goodPod, containers: [{ ...goodContainer, ...container }], ...pod } };
    return resource(
        "kubernetes:apps/v1:Deployment",
        "web-deployment",
        { metadata: { name: "sms-web" }, spec: { replicas: 6, template, ...spec } },
        { isProduction },
    );
}

export const beat = (spec: Inputs = {}) =>
    deployment({
        container: { name: "sms-beat", command: ["celery", "--app", "sms.celery", "beat", "--pidfile="] },
        spec: { replicas: 1, strategy: { type: "Recreate" }, ...spec },
    });

export function redis(inputs: Inputs = {}, more: Partial<Resource> = {}): Resource {
    const good = {
        instanceClass: "redis.shard.small.2.ce",
        vswitchId: "vsw-1",
        securityIps: ["10.1.0.0/24", "172.20.0.0/16"],
        instanceReleaseProtection: true,
        paymentType: "PostPaid",
    };
    return resource("alicloud:kvstore/instance:Instance", "redis-instance", { ...good, ...inputs }, { protect: true, ...more });
}

export function mongo(inputs: Inputs = {}, more: Partial<Resource> = {}): Resource {
    const good = {
        dbInstanceClass: "mdb.shard.2x.large.c",
        vswitchId: "vsw-1",
        securityIpLists: ["10.1.0.0/24", "172.20.0.0/16"],
        dbInstanceReleaseProtection: true,
        instanceChargeType: "PostPaid",
    };
    return resource("alicloud:mongodb/instance:Instance", "mongo-instance", { ...good, ...inputs }, { protect: true, ...more });
}

export function faultsOf(policy: ResourcePolicy, ...resources: Resource[]): string[] {
    return resources.flatMap(policy.faults);
}
