/** The changes of a branch, found without keys: compares the resources that its base would create with the branch's own. */
import { lostWith } from "../policies/lost";
import type { Inputs } from "../policies/policy";
import { type Change, inOrder } from "./changes";
import { isByDesign, isReplacedBy } from "./replacements";
import { type Resource, withImages, withNames } from "./resources";
import { propertyChanges } from "./values";

export function compare(before: readonly Resource[], after: readonly Resource[]): Change[] {
    const plain = ({ name }: Resource) => `${name}-…`;
    const olds = withNames(withImages(before), plain);
    const first = differences(olds, withNames(withImages(after), plain));
    // A replaced resource with a generated name gets a new name. So each resource that refers to it changes too.
    const renamed = new Set(first.filter(({ operation }) => operation === "replace").map(({ urn }) => urn));
    const anew = (resource: Resource) => `${plain(resource)}${renamed.has(resource.urn) ? " (replaced)" : ""}`;
    return differences(olds, withNames(withImages(after), anew));
}

function differences(before: readonly Resource[], after: readonly Resource[]): Change[] {
    const byUrn = (side: readonly Resource[]) => new Map(side.map((resource) => [resource.urn, resource]));
    const [olds, nexts] = [byUrn(before), byUrn(after)];
    return inOrder([...new Set([...olds.keys(), ...nexts.keys()])].map((urn) => changeOf(olds.get(urn), nexts.get(urn))));
}

function changeOf(old: Resource | undefined, next: Resource | undefined): Change {
    const { urn, type, name, parent, inputs, nameByChance } = (next ?? old) as Resource;
    const properties = old && next ? propertyChanges(old.inputs, next.inputs) : [];
    const because = properties.filter((property) => isReplacedBy(type, property, inputs)).map(({ path }) => path);
    const operation =
        old === undefined
            ? "create"
            : next === undefined
              ? "delete"
              : because.length > 0
                ? "replace"
                : properties.length > 0
                  ? "update"
                  : "same";
    const isGone = operation === "replace" || operation === "delete";
    return {
        urn,
        type,
        name,
        operation,
        parent,
        because,
        properties,
        isByDesign: operation === "replace" && isByDesign(type, nameByChance),
        lost: isGone ? lostWith(type, old?.inputs as Inputs) : undefined,
    };
}
