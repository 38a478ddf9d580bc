import { logSidecars } from "../components/logs";
import type { Placement } from "../components/podTemplate";
import type { Settings } from "../settings";
import { type Amounts, quantities, sum } from "./amounts";
import type { Workload } from "./placement";

type Sized = { resources: { requests: { cpu: string; memory: string } } };
type Placed = { placement?: Placement };

/** A PriorityClass of the cluster. */
export interface PriorityClass {
    readonly metadata: { readonly name: string };
    readonly value: number;
    /** It is the class of pods that name no class. */
    readonly globalDefault?: boolean;
    /** `Never`: its pods preempt no other pods. */
    readonly preemptionPolicy?: string;
}
type Rolled = Sized & Placed & { replicas: number; autoscale?: { maxReplicas: number }; rollout: { maxUnavailable: string | number } };

/**
 * The workloads that the stack needs room for. Among pods of equal size, the first workloads get room first. Without classes no pods are
 * preempted.
 */
export function wanted({ redis, mongo, web, workers, beat, logs, image }: Settings, classes?: readonly PriorityClass[]): Workload[] {
    const placed = ({ placement }: Placed) => ({ placement, priority: classes && priorityOf(placement?.priorityClassName, classes) });
    const sidecars = logs.ship ? logSidecars({ ...logs.ship, config: "" }, "", { image: "" }) : [];
    const pod = ({ resources }: Sized): Amounts => ({
        ...sum(...[{ resources }, ...(sidecars as unknown as Sized[])].map((container) => quantities(container.resources.requests))),
        pods: 1,
    });
    // The stores' images exist for several architectures. The node pulls the one that it needs.
    const architecture = image.platform.split("/")[1];
    const replicated = (name: string, key: string[], args: Rolled): Workload => ({
        name,
        key,
        app: `sms-${name}`,
        replicas: args.replicas,
        maxReplicas: args.autoscale?.maxReplicas,
        requests: pod(args),
        architecture,
        ...placed(args),
        needsSpare: mayMiss(args) === 0,
    });
    const stores = Object.entries({ redis, mongo }).flatMap(([name, store]) =>
        store.kind === "cluster"
            ? [
                  {
                      name,
                      key: [name],
                      app: name,
                      replicas: 1,
                      requests: { ...quantities(store.resources.requests), pods: 1 },
                      needsSpare: false,
                      ...placed(store),
                  },
              ]
            : [],
    );
    return [
        ...stores,
        {
            name: "beat",
            key: ["beat"],
            app: "sms-beat",
            replicas: 1,
            requests: pod(beat),
            architecture,
            ...placed(beat),
            needsSpare: false,
        },
        replicated("web", ["web"], web),
        ...workers.map((pool) => replicated(pool.name, pool.key, pool)),
    ];
}

/** The priority below which other pods are preempted. Undefined if no pods are. */
function priorityOf(name: string | undefined, classes: readonly PriorityClass[]): number | undefined {
    const found = classes.find(({ metadata, globalDefault }) => (name === undefined ? globalDefault : metadata.name === name));
    return found === undefined ? 0 : found.preemptionPolicy === "Never" ? undefined : found.value;
}

/** How many pods a rollout may remove before it adds one. Kubernetes rounds this percentage down. */
function mayMiss({ replicas, rollout: { maxUnavailable } }: Rolled): number {
    const share = Number.parseInt(`${maxUnavailable}`, 10);
    return `${maxUnavailable}`.endsWith("%") ? Math.floor((share * replicas) / 100) : share;
}
