/** Whose a namespace and what is in it are. Pure, so that every case can be tried in a test. */
import { marks, type Owner } from "../components/owner";
import { Commands } from "../settings/problems";
import type { Obstacle } from "./problems";
import type { ObjectMeta } from "./readCluster";

/** Versions of this program that marked nothing applied their objects under these field managers. */
const oldManagers = /^(sms$|pulumi-kubernetes)/;

export type Ownership = "own" | "unmarked" | { readonly other: string };

/** What the marks say. A name without an id is an owner's word for it: `kubectl annotate … sms/stack=NAME`. */
export function ownershipOf({ annotations = {} }: ObjectMeta, owner: Owner): Ownership {
    const { [marks.name]: name, [marks.id]: id } = annotations;
    if (name === undefined && id === undefined) {
        return "unmarked";
    }
    return id === owner.id || (id === undefined && name === owner.name) ? "own" : { other: name ?? String(id) };
}

/** Whether a version of this program that marked nothing made it, or for a volume's claim its StatefulSet. */
function isOfOldVersion({ managedFields = [], kind }: ObjectMeta & { kind?: string }): boolean {
    const isMade = (manager: string) =>
        oldManagers.test(manager) || (kind === "PersistentVolumeClaim" && manager === "kube-controller-manager");
    return managedFields.some(({ manager = "" }) => isMade(manager));
}

export interface Claim {
    readonly stack: string;
    readonly owner: Owner;
    readonly namespace: string;
    /** The settings say that the namespace is there and somebody else's. */
    readonly isExisting: boolean;
    /** The namespace of the stack's last `up`. */
    readonly lastNamespace?: string;
}

/** Whether the stack may take the namespace, or go into it. */
export function namespaceObstacles(found: ObjectMeta | undefined, claim: Claim): Obstacle[] {
    const { stack, owner, namespace, isExisting } = claim;
    const commands = new Commands(stack);
    const another = commands.set(["namespace"], otherName(stack, namespace));
    if (found === undefined) {
        const message = `there is no namespace ${namespace}, though sms:existingNamespace says that there is`;
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
            message: `namespace ${namespace} is there already, and stack ${stack} didn't make it`,
            fix: `${another}, or, to go into it and leave it as it is: ${commands.set(["existingNamespace"], true)}, or, if it is this stack's all the same: ${adopt("namespace", found, owner)}`,
        },
    ];
}

/** After the stack, in the form of a namespace's name. */
function otherName(stack: string, taken: string): string {
    const name = `sms-${stack.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`.slice(0, 60).replace(/-+$/, "");
    return name === taken ? `${name}-2` : name;
}

/** Made by an older version of this program, for this stack as far as its last `up` says. */
function isInherited(found: ObjectMeta, { namespace, isExisting, lastNamespace }: Claim): boolean {
    return !isExisting && lastNamespace === namespace && isOfOldVersion(found);
}

function belongsTo(other: string, owner: Owner): string {
    return other === owner.name
        ? `belongs to another stack with this one's name, ${other}: of another backend, or of a state that is lost`
        : `belongs to stack ${other}`;
}

function otherwise({ stack, owner, namespace, lastNamespace }: Claim, other: string, another: string): string {
    if (lastNamespace === namespace) {
        // Two stacks of an older version in one namespace: this one's state has what the other owns.
        return `don't destroy stack ${stack}: that would delete what is ${other}'s. Make it forget what it has: pulumi stack rm --force --preserve-config ${stack}; then pulumi stack init ${stack} && ${another}`;
    }
    return other === owner.name ? `${another}, or, if that state is lost: ${adopt("namespace", { name: namespace }, owner)}` : another;
}

function adopt(kind: string, { name, namespace }: ObjectMeta, owner: Owner): string {
    const place = namespace === undefined ? "" : ` --namespace ${namespace}`;
    return `kubectl annotate --overwrite ${kind} ${name}${place} ${marks.name}=${owner.name} ${marks.id}-`;
}

/** Objects of names that the stack is about to apply, and which somebody else made. */
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
                ownership === "unmarked" ? `is there already, and stack ${stack} didn't make it` : belongsTo(ownership.other, owner);
            const fix = `choose another namespace, or, if it is this stack's all the same: ${adopt(object.kind.toLowerCase(), object, owner)}`;
            return [{ message: `${object.kind} ${object.name} in namespace ${namespace} ${whose}`, fix }];
        });
}
