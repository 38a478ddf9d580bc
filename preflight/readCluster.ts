import { execFile } from "node:child_process";
import { join } from "node:path";
import type { ClusterNode, ClusterPod } from "../capacity/cluster";
import type { PriorityClass } from "../capacity/wanted";
import type { Access } from "../components/cluster";
import type { StorageClass, VolumeClaim } from "./volumes";

/** The metadata of an object, with its field managers and its owner's marks. */
export interface ObjectMeta {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Record<string, string>;
    /** When the deletion was requested. Until it ends, the object still exists and accepts no new content. */
    readonly deletionTimestamp?: string;
    readonly managedFields?: readonly { manager?: string }[];
}

export interface ClusterService {
    readonly metadata: ObjectMeta;
    readonly spec?: { ports?: readonly { nodePort?: number }[]; healthCheckNodePort?: number };
}

/** The requested value, or the reason why it is missing: for example, the role may not read it. */
export type Answer<T> = { readonly value: T } | { readonly reason: string };

/** The facts about a cluster that an `up` must know before it changes anything. */
export interface ClusterReading {
    /** The uid of `kube-system`, which stays the same for the cluster's life. */
    readonly id: Answer<string>;
    readonly nodes: Answer<readonly ClusterNode[]>;
    readonly pods: Answer<readonly ClusterPod[]>;
    /** The namespace, or undefined if it doesn't exist. */
    readonly namespace: Answer<ObjectMeta | undefined>;
    /** The namespace's objects of the requested kinds. */
    readonly objects: Answer<readonly (ObjectMeta & { kind: string })[]>;
    /** All Services of the cluster. */
    readonly services: Answer<readonly ClusterService[]>;
    /** The namespace's volume claims, with all their fields. */
    readonly claims: Answer<readonly VolumeClaim[] | undefined>;
    readonly storageClasses: Answer<readonly StorageClass[]>;
    readonly priorityClasses: Answer<readonly PriorityClass[]>;
    /** The cluster has an autoscaler that adds nodes for pods without room. */
    readonly hasAutoscaler: boolean;
    /** The cluster doesn't know the kind PodMonitor. */
    readonly lacksOperator: boolean;
}

/** The API's path of each kind. */
const apis: Record<string, string> = {
    Service: "/api/v1/services",
    Secret: "/api/v1/secrets",
    ConfigMap: "/api/v1/configmaps",
    ServiceAccount: "/api/v1/serviceaccounts",
    Deployment: "/apis/apps/v1/deployments",
    PersistentVolumeClaim: "/api/v1/persistentvolumeclaims",
    StatefulSet: "/apis/apps/v1/statefulsets",
    PodDisruptionBudget: "/apis/policy/v1/poddisruptionbudgets",
    HorizontalPodAutoscaler: "/apis/autoscaling/v2/horizontalpodautoscalers",
    NetworkPolicy: "/apis/networking.k8s.io/v1/networkpolicies",
    ScaledObject: "/apis/keda.sh/v1alpha1/scaledobjects",
    TriggerAuthentication: "/apis/keda.sh/v1alpha1/triggerauthentications",
    PodMonitor: "/apis/monitoring.coreos.com/v1/podmonitors",
    PrometheusRule: "/apis/monitoring.coreos.com/v1/prometheusrules",
};

const whole = "application/json";
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const metadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

const requests = {
    id: { path: "/api/v1/namespaces/kube-system", accept: metadataOnly },
    // `resourceVersion=0` reads from the API server's cache, which is cheap and recent enough.
    nodes: { path: "/api/v1/nodes?resourceVersion=0", accept: whole },
    pods: { path: "/api/v1/pods?resourceVersion=0&fieldSelector=status.phase!=Succeeded,status.phase!=Failed", accept: whole },
    services: { path: "/api/v1/services?resourceVersion=0", accept: whole },
    storageClasses: { path: "/apis/storage.k8s.io/v1/storageclasses", accept: whole },
    priorityClasses: { path: "/apis/scheduling.k8s.io/v1/priorityclasses", accept: whole },
    // The Kubernetes cluster autoscaler writes this ConfigMap, including ACK's variant.
    autoscaler: { path: "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status", accept: metadataOnly },
    karpenter: { path: "/apis/karpenter.sh", accept: whole },
    operator: { path: "/apis/monitoring.coreos.com/v1", accept: whole },
};

interface Response {
    readonly status: number;
    readonly body: string;
}

/** Reads the cluster within `timeoutMs`. Throws with the reason if the cluster doesn't answer at all. */
export async function readCluster(
    access: Access,
    { namespace, kinds, timeoutMs }: { namespace: string; kinds: readonly string[]; timeoutMs: number },
): Promise<ClusterReading> {
    const inNamespace = kinds.map((kind) => ({
        path: (apis[kind] ?? kind).replace(/\/([^/]*)$/, `/namespaces/${namespace}/$1`),
        accept: metadataList,
    }));
    const named = Object.keys(requests) as (keyof typeof requests)[];
    const own = { path: `/api/v1/namespaces/${namespace}`, accept: metadataOnly };
    const claims = { path: `${own.path}/persistentvolumeclaims`, accept: whole };
    const answers = await ask({ access, timeoutMs, paths: [...named.map((name) => requests[name]), own, claims, ...inNamespace] });
    const of = (name: keyof typeof requests) => answers[named.indexOf(name)] as Response;
    const ofKind = answers.slice(named.length + 2);
    return {
        id: answer("its namespace kube-system", of("id"), ({ metadata }: { metadata: { uid: string } }) => metadata.uid),
        nodes: answer("its nodes", of("nodes"), ({ items }: { items: ClusterNode[] }) => items),
        pods: answer("its pods", of("pods"), ({ items }: { items: ClusterPod[] }) => items),
        services: answer("its Services", of("services"), ({ items }: { items: ClusterService[] }) => items),
        namespace: optional(
            `its namespace ${namespace}`,
            answers[named.length] as Response,
            ({ metadata }: { metadata: ObjectMeta }) => metadata,
        ),
        objects: all(
            kinds.map((kind, index) =>
                optional(
                    `${kind}s in ${namespace}`,
                    ofKind[index] as Response,
                    // The API server writes an empty list of metadata as null.
                    ({ items }: { items: { metadata: ObjectMeta }[] | null }) =>
                        items?.map(({ metadata }) => ({ ...metadata, kind })) ?? [],
                ),
            ),
        ),
        claims: optional(
            `its volume claims in ${namespace}`,
            answers[named.length + 1] as Response,
            ({ items }: { items: VolumeClaim[] }) => items,
        ),
        storageClasses: answer("its StorageClasses", of("storageClasses"), ({ items }: { items: StorageClass[] }) => items),
        priorityClasses: answer("its PriorityClasses", of("priorityClasses"), ({ items }: { items: PriorityClass[] }) => items),
        hasAutoscaler: of("autoscaler").status === 200 || of("karpenter").status === 200,
        lacksOperator: of("operator").status === 404,
    };
}

function answer<Body, T>(what: string, { status, body }: Response, valueIn: (body: Body) => T): Answer<T> {
    return status === 200
        ? { value: valueIn(JSON.parse(body) as Body) }
        : { reason: `its API server answers ${status} when asked for ${what}` };
}

function optional<Body, T>(what: string, response: Response, valueIn: (body: Body) => T): Answer<T | undefined> {
    return response.status === 404 ? { value: undefined } : answer(what, response, valueIn);
}

function all<T>(answers: readonly Answer<readonly T[] | undefined>[]): Answer<readonly T[]> {
    const unread = answers.find((one) => "reason" in one);
    return unread ?? { value: answers.flatMap((one) => ("value" in one ? (one.value ?? []) : [])) };
}

/** The child process has its own time limit. The second limit is for a child that hangs nevertheless. */
function ask(request: { access: Access; timeoutMs: number; paths: { path: string; accept: string }[] }): Promise<Response[]> {
    return new Promise((answered, failed) => {
        const limits = { timeout: 2 * request.timeoutMs + 10_000, killSignal: "SIGKILL", maxBuffer: 2 ** 30 } as const;
        const child = execFile(process.execPath, [join(__dirname, "ask.mjs")], limits, (error, stdout, stderr) => {
            if (error) {
                failed(new Error(stderr || `no answer within ${request.timeoutMs / 1000} s`));
            } else {
                answered(JSON.parse(stdout) as Response[]);
            }
        });
        // Keys go through stdin, because the process list would show an argument.
        child.stdin?.on("error", () => undefined).end(JSON.stringify(request));
    });
}
