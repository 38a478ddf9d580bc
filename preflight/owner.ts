/** Finds out who owns a namespace and its objects. The functions are pure, so that a test can cover every case. */
import { marks, type Owner } from "../components/owner";
import { Commands } from "../settings/problems";
import type { Obstacle } from "./problems";
import type { ObjectMeta } from "./readCluster";

/** Older versions of this program set no marks. They applied their objects under these field managers. */
const oldManagers = /^(sms$|pulumi-kubernetes)/;

export type Ownership = "own" | "unmarked" | { readonly other: string };

/** The owner according to the marks. If an object has a name without an id, an operator has set it: `kubectl annotate … sms/stack=NAME`. */
export function ownershipOf({ annotations = {} }: ObjectMeta, owner: Owner): Ownership {
    const { [marks.name]: name, [marks.id]: id } = annotations;
    if (name === undefined && id === undefined) {
        return "unmarked";
    }
    return id === owner.id || (id === undefined && name === owner.name) ? "own" : { other: name ?? String(id) };
}

/**
 * Whether an older version of this program, which set no marks, created the object. A volume's claim may come from that version's
 * StatefulSet.
 */
function isOfOldVersion({ managedFields = [], kind }: ObjectMeta & { kind?: string }): boolean {
    const isMade = (manager: string) =>
        oldManagers.test(manager) || (kind === "PersistentVolumeClaim" && manager === "kube-controller-manager");
    return managedFields.some(({ manager = "" }) => isMade(manager));
}

export interface Claim {
    readonly stack: string;
    readonly owner: Owner;
    readonly namespace: string;
    /** The settings say that the namespace already exists and has another owner. */
    readonly isExisting: boolean;
    /** The namespace of the stack's last `up`. */
    readonly lastNamespace?: string;
}

/** Obstacles for creating the namespace, or for using an existing one. */
export function namespaceObstacles(found: ObjectMeta | undefined, claim: Claim): Obstacle[] {
    const { stack, owner, namespace, isExisting } = claim;
    const commands = new Commands(stack);
    const another = commands.set(["namespace"], otherName(stack, namespace));
    if (found === undefined) {
        const message = `namespace ${namespace} doesn't exist, but sms:existingNamespace says that it does`;
        const fix = `kubectl create namespace ${namespace}, or ${commands.remove(["existingNamespace"])}`;
        return isExisting ? [{ message, fix }] : [];
    }
    if (found.deletionTimestamp !== undefined) {
        return [{ message: `namespace ${namespace} is being deleted`, fix: `kubectl wait --for=delete namespace/${namespace}` }];
    }
    const ownership = ownershipOf(found, owner);
    if (typeof ownership === "object") {
        return [
            { message: `namespace ${namespace} ${belongsTo(ownership.other, owner)}`, fix: otherwise(claim, ownership.other, another) },
        ];
    }
    if (isExisting || ownership === "own" || isInherited(found, claim)) {
        return [];
    }
    return [
        {
            message: `namespace ${namespace} already exists, and stack ${stack} didn't create it`,
            fix: `${another}, or, to use it without changing it: ${commands.set(["existingNamespace"], true)}, or, if it belongs to this stack nevertheless: ${adopt("namespace", found, owner)}`,
        },
    ];
}

/** A name made from the stack's name, in the form of a namespace's name. */
function otherName(stack: string, taken: string): string {
    const name = `sms-${stack.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`.slice(0, 60).replace(/-+$/, "");
    return name === taken ? `${name}-2` : name;
}

/** Whether an older version of this program created the namespace for this stack, according to the last `up`. */
function isInherited(found: ObjectMeta, { namespace, isExisting, lastNamespace }: Claim): boolean {
    return !isExisting && lastNamespace === namespace && isOfOldVersion(found);
}

function belongsTo(other: string, owner: Owner): string {
    return other === owner.name
        ? `belongs to another stack with this one's name, ${other}: in another backend, or with a lost state`
        : `belongs to stack ${other}`;
}

function otherwise({ stack, owner, namespace, lastNamespace }: Claim, other: string, another: string): string {
    if (lastNamespace === namespace) {
        // Two stacks of an older version share the namespace. This stack's state has objects that the other stack owns.
        return `don't destroy stack ${stack}: that would delete resources of ${other}. Remove this stack's state instead: pulumi stack rm --force --preserve-config ${stack}, then pulumi stack init ${stack}, then ${another}`;
    }
    return other === owner.name ? `${another}, or, if that state is lost: ${adopt("namespace", { name: namespace }, owner)}` : another;
}

function adopt(kind: string, { name, namespace }: ObjectMeta, owner: Owner): string {
    const place = namespace === undefined ? "" : ` --namespace ${namespace}`;
    return `kubectl annotate --overwrite ${kind} ${name}${place} ${marks.name}=${owner.name} ${marks.id}-`;
}

/** Obstacles for objects of another owner whose names the stack is about to apply. */
export function objectObstacles(
    found: readonly (ObjectMeta & { kind: string })[],
    planned: readonly { kind: string; name: string }[],
    claim: Claim,
): Obstacle[] {
    const { owner, namespace, isExisting, stack } = claim;
    return found
        .filter((object) => planned.some(({ kind, name }) => kind === object.kind && name === object.name))
        .flatMap((object) => {
            const ownership = ownershipOf(object, owner);
            const isOld = !isExisting && isOfOldVersion(object);
            if (ownership === "own" || (ownership === "unmarked" && isOld)) {
                return [];
            }
            const whose =
                ownership === "unmarked" ? `already exists, and stack ${stack} didn't create it` : belongsTo(ownership.other, owner);
            const fix = `choose another namespace, or, if it belongs to this stack nevertheless: ${adopt(object.kind.toLowerCase(), object, owner)}`;
            return [{ message: `${object.kind} ${object.name} in namespace ${namespace} ${whose}`, fix }];
        });
}
