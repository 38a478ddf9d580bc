/**
 * Obstacles for the volumes of stores in the cluster. A claim can only grow, and only if its class allows it. Its data keeps the password
 * that it was created with.
 */
import { markOf, passwordMark } from "../components/mongo";
import { claimOf } from "../components/persistentPod";
import type { Settings } from "../settings";
import { Commands, keyOf } from "../settings/problems";
import { amount } from "../settings/quantity";
import type { Obstacle } from "./problems";

export interface VolumeClaim {
    readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
    readonly spec: { readonly storageClassName?: string; readonly resources: { readonly requests: { readonly storage: string } } };
    readonly status?: { readonly phase: string; readonly capacity?: { readonly storage: string } };
}

export interface StorageClass {
    readonly metadata: { readonly name: string };
    readonly allowVolumeExpansion?: boolean;
}

export interface Volumes {
    /** The namespace's claims. */
    readonly claims: readonly VolumeClaim[];
    /** Undefined if the user may not read them. Then Kubernetes itself decides whether a volume can grow. */
    readonly classes?: readonly StorageClass[];
}

type Stores = Pick<Settings, "namespace" | "redis" | "mongo">;

/** Obstacles for changes that Kubernetes would refuse, or that would have no effect. */
export function volumeObstacles(stack: string, { namespace, redis, mongo }: Stores, { claims, classes }: Volumes): Obstacle[] {
    const commands = new Commands(stack);
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
        // The volume has no data yet, so it can be created again.
        const anew = `kubectl --namespace ${namespace} delete statefulset/${name} pvc/${claim.metadata.name} && ${commands.refresh()}`;
        return (["storage", "storageClass"] as const)
            .map((key) => ({ key, fault: faults[key] }))
            .filter(({ fault }) => fault !== undefined)
            .map(({ key, fault }) => ({
                message: `${keyOf([name, key])} is ${asked[key]}, but its volume has ${now[key]}: ${fault}`,
                fix: isBound(claim) ? commands.set([name, key], now[key]) : anew,
            }));
    });
}

/** An obstacle if the password isn't the one of MongoDB's volume. MongoDB creates its account only while the volume is empty. */
export function passwordObstacles(stack: string, namespace: string, password: string, claims: readonly VolumeClaim[]): Obstacle[] {
    const name = claimOf("mongo");
    const claim = claims.find(({ metadata }) => metadata.name === name);
    const known = claim && isBound(claim) ? claim.metadata.annotations?.[passwordMark] : undefined;
    if (known === undefined || known === markOf(password)) {
        return [];
    }
    const put = new Commands(stack).setSecret(["mongoPassword"]);
    return [
        {
            message: "sms:mongoPassword differs from the password of MongoDB's volume; set a new password in MongoDB first",
            fix: `restore the old password: ${put}, or, if MongoDB has the new password (docs/going-online.md, "Rotating passwords"): kubectl annotate --namespace ${namespace} pvc/${name} ${passwordMark}-`,
        },
    ];
}

function sizeFault(storage: string, { spec, status }: VolumeClaim, classes: Volumes["classes"]): string | undefined {
    const now = spec.resources.requests.storage;
    if (!isBound({ status })) {
        return bytes(storage) === bytes(now) ? undefined : "it can't change before it exists (its claim is Pending)";
    }
    const [asked, requested, there] = [storage, now, status?.capacity?.storage ?? now].map(bytes) as [number, number, number];
    // Failed growth can be reverted, down to the volume's present size.
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
