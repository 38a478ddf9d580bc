/** Runs components, or the whole program, on Pulumi's mocks and keeps what was registered. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";

// biome-ignore lint/suspicious/noExplicitAny: inputs are compared with exact values, never relied upon.
type Inputs = Record<string, any>;

export interface Registered {
    type: string;
    name: string;
    inputs: Inputs;
    /** Which of the inputs are secrets, whole or in part. */
    secrets: string[];
    /** The parent's name; the root's children have none. */
    parent?: string;
    /** The provider's name. */
    provider?: string;
    /** Names of the resources that must be there before. */
    dependencies: string[];
    timeouts: { create: string; update: string };
    /** Pulumi refuses to delete or to replace it. */
    protect: boolean;
    /** Inputs that somebody else may change. */
    ignoreChanges: string[];
}

export class Deployed {
    constructor(readonly resources: Registered[]) {}

    one(type: string, name?: string): Registered {
        const found = this.resources.filter((resource) => resource.type === type && (name === undefined || resource.name === name));
        assert.equal(found.length, 1, `one ${type} ${name ?? ""}, found ${found.length} in ${this.listed().join(", ")}`);
        return found[0] as Registered;
    }

    /** `name (type)` of everything, sorted. */
    listed(): string[] {
        return this.resources.map(({ name, type }) => `${name} (${type})`).sort();
    }
}

export const types = {
    deployment: "kubernetes:apps/v1:Deployment",
    job: "kubernetes:batch/v1:Job",
    statefulSet: "kubernetes:apps/v1:StatefulSet",
    claim: "kubernetes:core/v1:PersistentVolumeClaim",
    disruptionBudget: "kubernetes:policy/v1:PodDisruptionBudget",
    autoscaler: "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    scaledObject: "kubernetes:keda.sh/v1alpha1:ScaledObject",
    service: "kubernetes:core/v1:Service",
    secret: "kubernetes:core/v1:Secret",
    namespace: "kubernetes:core/v1:Namespace",
    configMap: "kubernetes:core/v1:ConfigMap",
    podMonitor: "kubernetes:monitoring.coreos.com/v1:PodMonitor",
    prometheusRule: "kubernetes:monitoring.coreos.com/v1:PrometheusRule",
    networkPolicy: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    image: "docker:index/image:Image",
    stash: "pulumi:index:Stash",
    vpc: "alicloud:vpc/network:Network",
    vSwitch: "alicloud:vpc/switch:Switch",
    redisInstance: "alicloud:kvstore/instance:Instance",
    redisAccount: "alicloud:kvstore/account:Account",
    mongoInstance: "alicloud:mongodb/instance:Instance",
    mongoAccount: "alicloud:mongodb/account:Account",
    registryNamespace: "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace",
    registryRepository: "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo",
    logProject: "alicloud:log/project:Project",
    logStore: "alicloud:log/store:Store",
    logIndex: "alicloud:log/storeIndex:StoreIndex",
};

const ownOutputs = "pulumi:pulumi:readStackOutputs";
const clusterCredential = "alicloud:cs/getClusterCredential:getClusterCredential";

/** Of the stack that is deployed, as its state has it. */
export const ownerId = "0f3c7f0e-5d0c-4a53-9a38-3f1f6a1c9b11";
export const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

export interface Engine {
    /** The outputs of the stack's last `up`. */
    readonly last?: object;
    readonly onRegistered?: (name: string) => void;
    readonly isPreview?: boolean;
}

/** Runs `program` until every resource is registered. What nothing mocks throws. */
export async function deploy<T>(
    program: () => T,
    stack = "unit",
    { last = {}, onRegistered, isPreview = false }: Engine = {},
): Promise<{ result: Awaited<T>; deployed: Deployed }> {
    const resources: Registered[] = [];
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs, provider }) => {
                const request = requests.get(`${type} ${name}`) as Request;
                onRegistered?.(name);
                resources.push({
                    type,
                    name,
                    ...revealed(inputs),
                    provider: nameIn(provider?.split("::").slice(0, -1).join("::")),
                    ...request,
                });
                return { id: `${name}-id`, state: madeUp(type, name, inputs) };
            },
            call: ({ token, inputs }) => {
                if (token === clusterCredential && inputs.clusterId === "c-refused") {
                    // As gRPC gives errors: the SDK shows their details.
                    throw Object.assign(new Error(), { details: "Code: Forbidden.RAM" });
                }
                if (token === clusterCredential) {
                    return { ...inputs, kubeConfig: `kubeconfig of ${inputs.clusterId}` };
                }
                if (token === ownOutputs) {
                    return { name: inputs.name, outputs: last };
                }
                throw new Error(`no mock for ${token}`);
            },
        },
        "sms",
        stack,
        isPreview,
        "organization",
    );
    const requests = watchedRequests();
    const result = await program();
    await pulumi.runtime.disconnect();
    return { result, deployed: new Deployed(resources) };
}

type Request = Pick<Registered, "parent" | "dependencies" | "timeouts" | "protect" | "ignoreChanges">;

/** Mocks are told neither parents nor dependencies nor timeouts: what the mock monitor itself is asked tells them. */
function watchedRequests(): Map<string, Request> {
    const requests = new Map<string, Request>();
    // biome-ignore lint/suspicious/noExplicitAny: the generated request type is no part of the SDK's interface.
    const monitor = pulumi.runtime.getMonitor() as any;
    const register = monitor.registerResource.bind(monitor);
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    monitor.registerResource = (request: any, callback: unknown) => {
        requests.set(`${request.getType()} ${request.getName()}`, {
            parent: nameIn(request.getParent()),
            dependencies: request.getDependenciesList().map(nameIn).sort(),
            timeouts: { create: request.getCustomtimeouts()?.getCreate() ?? "", update: request.getCustomtimeouts()?.getUpdate() ?? "" },
            protect: request.getProtect() ?? false,
            ignoreChanges: request.getIgnorechangesList(),
        });
        return register(request, callback);
    };
    return requests;
}

function nameIn(urn: string | undefined): string | undefined {
    return urn?.split("::").at(-1) || undefined;
}

function revealed(inputs: Inputs): Pick<Registered, "inputs" | "secrets"> {
    const secrets = Object.keys(inputs).filter((key) => pulumi.runtime.isRpcSecret(inputs[key]));
    return {
        inputs: Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, pulumi.runtime.unwrapRpcSecret(value)])),
        secrets,
    };
}

/** What the cloud adds: names that aren't given, an image's digest, a store's addresses. */
function madeUp(type: string, name: string, inputs: Inputs): Inputs {
    if (type === types.image) {
        return { ...inputs, repoDigest: `${inputs.imageName.replace(/:[^:/]*$/, "")}@${digest}` };
    }
    if (type === types.redisInstance) {
        return { ...inputs, connectionDomain: "r-1.redis.example", privateConnectionPort: "6379" };
    }
    if (type === types.service && inputs.spec.type === "LoadBalancer") {
        return { ...inputs, status: { loadBalancer: { ingress: [{ hostname: "nlb-1.example.com" }] } } };
    }
    if (type === types.mongoInstance) {
        return { ...inputs, replicaSetName: "mgset-1", replicaSets };
    }
    if (type === types.stash) {
        return { ...inputs, output: ownerId };
    }
    return type.startsWith("kubernetes:") ? { ...inputs, metadata: { name: `${name}-1a2b3c4d`, ...inputs.metadata } } : inputs;
}

/** In no order, and with one that can be reached from outside. */
const replicaSets = [
    { networkType: "VPC", connectionDomain: "dds-2.mongo.example", connectionPort: "3717" },
    { networkType: "Public", connectionDomain: "dds-1-pub.mongo.example", connectionPort: "3717" },
    { networkType: "VPC", connectionDomain: "dds-1.mongo.example", connectionPort: "3717" },
];

/** The value of an output, and whether it is a secret. */
export async function resolve<T>(output: pulumi.Output<T>): Promise<{ value: T; secret: boolean }> {
    const [value, secret] = await Promise.all([
        new Promise<T>((done) => output.apply((value) => done(value as T))),
        pulumi.isSecret(output),
    ]);
    return { value, secret };
}
