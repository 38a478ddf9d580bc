import assert from "node:assert/strict";
import { kubectl } from "../../lab/machine/kubernetes";

interface Live {
    kind: string;
    metadata: { name: string; uid: string; labels?: object; annotations?: object };
    spec?: object;
    data?: object;
}

/** The kinds of the product's objects, and of objects that others may have in the namespace. */
const kinds =
    "deployments,statefulsets,services,configmaps,secrets,networkpolicies,poddisruptionbudgets,persistentvolumeclaims,jobs,serviceaccounts";

/** A namespace and its objects, each as a text, without the fields that the cluster sets. */
export async function contentOf(namespace: string): Promise<string[]> {
    const all = await Promise.all([
        kubectl("get", "namespace", namespace, "--output=json"),
        kubectl("--namespace", namespace, "get", kinds, "--output=json"),
    ]);
    const [own, { items }] = all.map((text) => JSON.parse(text)) as [Live, { items: Live[] }];
    return [own, ...items].map(({ kind, metadata: { name, uid, labels, annotations }, spec, data }) =>
        JSON.stringify({ kind, name, uid, labels, annotations, spec, data }),
    );
}

/** Asserts that the work neither changes nor adds an object in the namespace. */
export async function assertUntouched(namespace: string, work: () => Promise<void>): Promise<void> {
    const before = await contentOf(namespace);
    await work();
    assert.deepEqual(await contentOf(namespace), before, `something in ${namespace} has changed`);
}
