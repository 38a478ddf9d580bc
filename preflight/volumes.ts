/** Volumes of the stores in the cluster: a claim grows where its class allows it, and changes in no other way. */
import { claimOf } from "../components/persistentPod";
import type { Settings } from "../settings";
import { Commands, keyOf } from "../settings/problems";
import { amount } from "../settings/quantity";
import type { Obstacle } from "./problems";

export interface VolumeClaim {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly storageClassName?: string; readonly resources: { readonly requests: { readonly storage: string } } };
    readonly status?: { readonly phase: string; readonly capacity?: { readonly storage: string } };
}

export interface StorageClass {
    readonly metadata: { readonly name: string };
    readonly allowVolumeExpansion?: boolean;
}

export interface Volumes {
    /** Those of the namespace. */
    readonly claims: readonly VolumeClaim[];
    /** None where whoever asks may not see them: then Kubernetes itself says whether a volume can grow. */
    readonly classes?: readonly StorageClass[];
}

type Stores = Pick<Settings, "namespace" | "redis" | "mongo">;

/** All that Kubernetes would refuse, and what would not happen. */
export function volumeObstacles(stack: string, { namespace, redis, mongo }: Stores, { claims, classes }: Volumes): Obstacle[] {
    return Object.entries({ redis, mongo }).flatMap(([name, store]) => {
        const claim = claims.find(({ metadata }) => metadata.name === claimOf(name));
        if (store.kind !== "cluster" || claim === undefined) {
            return [];
        }
        const { storageClassName = "", resources } = claim.spec;
        const asked = { storage: store.storage, storageClass: store.storageClass ?? storageClassName };
        const now = { storage: resources.requests.storage, storageClass: storageClassName };
        const faults = {
            storage: sizeFault(asked.storage, claim, classes),
            storageClass: asked.storageClass === now.storageClass ? undefined : "a volume stays in its class",
        };
        // Nothing is in it: it can be made anew.
        const anew = `kubectl --namespace ${namespace} delete statefulset/${name} pvc/${claim.metadata.name} && pulumi refresh --yes --stack ${stack}`;
        return (["storage", "storageClass"] as const)
            .map((key) => ({ key, fault: faults[key] }))
            .filter(({ fault }) => fault !== undefined)
            .map(({ key, fault }) => ({
                message: `${keyOf([name, key])} is ${asked[key]}, but its volume has ${now[key]}: ${fault}`,
                fix: isBound(claim) ? new Commands(stack).set([name, key], now[key]) : anew,
            }));
    });
}

function sizeFault(storage: string, { spec, status }: VolumeClaim, classes: Volumes["classes"]): string | undefined {
    const now = spec.resources.requests.storage;
    if (!isBound({ status })) {
        return bytes(storage) === bytes(now) ? undefined : "it can't change while it isn't there yet (its claim is Pending)";
    }
    const [asked, requested, there] = [storage, now, status?.capacity?.storage ?? now].map(bytes) as [number, number, number];
    // Growth that failed can be taken back, down to what is there.
    if (asked < requested && asked <= there) {
        return "a volume can't shrink";
    }
    const { storageClassName = "" } = spec;
    const canGrow = classes?.find(({ metadata }) => metadata.name === storageClassName)?.allowVolumeExpansion ?? classes === undefined;
    return asked > requested && !canGrow
        ? `its StorageClass ${storageClassName} doesn't let volumes grow (allowVolumeExpansion)`
        : undefined;
}

const isBound = ({ status }: Pick<VolumeClaim, "status">) => status?.phase === "Bound";
const bytes = (quantity: string) => amount(quantity) ?? 0;
