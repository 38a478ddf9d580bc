/** Makes the resources of two previews comparable: removes values that differ from run to run. */
import { managerKey } from "../components/cluster";
import { marks } from "../components/owner";
import { later, type Value } from "./values";

export interface Resource {
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    /** The parent's URN. */
    readonly parent?: string;
    /** Without secrets. */
    readonly inputs: Value;
    /** The object's name, if Pulumi generated it. It ends with random letters. */
    readonly nameByChance?: string;
}

type Inputs = { readonly [key: string]: Value };

export function comparable(resource: Resource): Resource {
    const inputs = withoutInternal((resource.type === stash ? {} : resource.inputs) as Inputs);
    const { metadata, build, ...rest } = inputs;
    if (resource.type === imageType && typeof build === "object" && build !== null) {
        // This digest covers the folder's files with their modes, which differ between hosts. The image's name has a digest of its own.
        const { contextDigest, ...others } = build as Inputs;
        return { ...resource, inputs: { ...rest, build: others } };
    }
    if (typeof metadata !== "object" || metadata === null || !resource.type.startsWith("kubernetes:")) {
        return { ...resource, inputs };
    }
    const { annotations, name, ...others } = metadata as Inputs;
    const isNamedByPulumi = (annotations as Inputs | undefined)?.["pulumi.com/autonamed"] === "true";
    const kept = Object.entries((annotations ?? {}) as Inputs).filter(([key]) => !made.includes(key));
    return {
        ...resource,
        inputs: {
            ...rest,
            ...(build === undefined ? {} : { build }),
            metadata: {
                ...others,
                ...(isNamedByPulumi || name === undefined ? {} : { name }),
                ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
            },
        },
        ...(isNamedByPulumi && typeof name === "string" ? { nameByChance: name } : {}),
    };
}

/** Annotations that contain the stack's id, and the annotation that marks a generated name. */
const made: readonly string[] = [marks.id, managerKey, "pulumi.com/autonamed"];

const imageType = "docker:index/image:Image";

/** The type of the stack's own id, which each preview without a state generates again. */
const stash = "pulumi:index:Stash";

function withoutInternal(inputs: Inputs): Inputs {
    return Object.fromEntries(Object.entries(inputs).filter(([key]) => !key.startsWith("__")));
}

/** Replaces a container's unknown image by the image's name. The exact reference is unknown until the image is pushed. */
export function withImages(resources: readonly Resource[]): Resource[] {
    const names = new Map(
        resources
            .filter(({ type }) => type === imageType)
            .map(({ name, inputs }) => [name.replace(/-image$/, ""), (inputs as Inputs).imageName]),
    );
    const named = (value: Value, container?: Value): Value => {
        if (Array.isArray(value)) {
            return value.map((inner) => named(inner));
        }
        if (typeof value !== "object" || value === null) {
            return value === later && container !== undefined ? (names.get(`${container}-image`) ?? names.get("image") ?? value) : value;
        }
        const object = value as Inputs;
        return Object.fromEntries(
            Object.entries(object).map(([key, inner]) => [key, named(inner, key === "image" ? object.name : undefined)]),
        );
    };
    return resources.map((resource) => ({ ...resource, inputs: named(resource.inputs) }));
}

/** Replaces each generated name in all inputs by the result of `called`. */
export function withNames(resources: readonly Resource[], called: (resource: Resource) => string): Resource[] {
    const names = new Map(resources.flatMap((each) => (each.nameByChance === undefined ? [] : [[each.nameByChance, called(each)]])));
    const named = (value: Value): Value => {
        if (typeof value === "string") {
            return names.get(value) ?? value;
        }
        if (Array.isArray(value)) {
            return value.map(named);
        }
        return typeof value === "object" && value !== null
            ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, named(inner)]))
            : value;
    };
    return resources.map((resource) => ({ ...resource, inputs: named(resource.inputs) }));
}
