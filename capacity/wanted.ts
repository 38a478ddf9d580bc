import { logSidecars } from "../components/logs";
import type { Settings } from "../settings";
import { type Amounts, quantities, sum } from "./amounts";
import type { Workload } from "./placement";

type Sized = { resources: { requests: { cpu: string; memory: string } } };
type Rolled = Sized & { replicas: number; autoscale?: { maxReplicas: number }; rollout: { maxUnavailable: string | number } };

/** The pods that the stack asks the cluster for. Of equal ones the first find room first. */
export function wanted({ redis, mongo, web, workers, beat, logs, image }: Settings): Workload[] {
    const sidecars = logs.ship ? logSidecars({ ...logs.ship, config: "" }, "", { image: "" }) : [];
    const pod = ({ resources }: Sized): Amounts => ({
        ...sum(...[{ resources }, ...(sidecars as unknown as Sized[])].map((container) => quantities(container.resources.requests))),
        pods: 1,
    });
    // The stores' images have whatever their registry has for the node.
    const architecture = image.platform.split("/")[1];
    const replicated = (name: string, key: string[], args: Rolled): Workload => ({
        name,
        key,
        app: `sms-${name}`,
        replicas: args.replicas,
        maxReplicas: args.autoscale?.maxReplicas,
        requests: pod(args),
        architecture,
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
                  },
              ]
            : [],
    );
    return [
        ...stores,
        { name: "beat", key: ["beat"], app: "sms-beat", replicas: 1, requests: pod(beat), architecture, needsSpare: false },
        replicated("web", ["web"], web),
        ...workers.map((pool) => replicated(pool.name, pool.key, pool)),
    ];
}

/** How many pods a rollout may take before it adds one; Kubernetes rounds this percentage down. */
function mayMiss({ replicas, rollout: { maxUnavailable } }: Rolled): number {
    const share = Number.parseInt(`${maxUnavailable}`, 10);
    return `${maxUnavailable}`.endsWith("%") ? Math.floor((share * replicas) / 100) : share;
}
