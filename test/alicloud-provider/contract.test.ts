import { strict as assert } from "node:assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { credentialToken } from "../../lab/rehearsal/alicloud-provider/cluster";
import type { Description, OutputKind } from "../../lab/rehearsal/alicloud-provider/description";
import { descriptions, settingNames } from "../../lab/rehearsal/alicloud-provider/provider";
import { tableText } from "../../lab/rehearsal/alicloud-provider/tableText";
import type { Inputs, Kind } from "../../operations/alicloud/inputKinds";

const clone = join(__dirname, "../..");
const sdk = dirname(require.resolve("@pulumi/alicloud/package.json"));

/** A property in the SDK: its type without `pulumi.Input` and `undefined`, and whether it is optional. */
interface Stated {
    type: string;
    isOptional: boolean;
}

function parse(file: string): ts.SourceFile {
    return ts.createSourceFile(file, readFileSync(join(sdk, file), "utf8"), ts.ScriptTarget.Latest, true);
}

function bare(type: string): string {
    return type
        .replaceAll(/pulumi\.(Input|Output)</g, "<")
        .replaceAll(/[<>\s]/g, "")
        .replaceAll("|undefined", "")
        .replaceAll(";", "");
}

function stated(members: ts.NodeArray<ts.TypeElement | ts.ClassElement>): Map<string, Stated> {
    const found = members.flatMap((member): [string, Stated][] => {
        if (!(ts.isPropertySignature(member) || ts.isPropertyDeclaration(member)) || member.type === undefined) {
            return [];
        }
        return [[member.name.getText(), { type: bare(member.type.getText()), isOptional: member.questionToken !== undefined }]];
    });
    return new Map(found);
}

function declaration(source: ts.SourceFile, name: string) {
    const found = source.statements.find(
        (statement): statement is ts.InterfaceDeclaration | ts.ClassDeclaration =>
            (ts.isInterfaceDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name?.text === name,
    );
    assert.ok(found, `${name} in ${source.fileName}`);
    return stated(found.members);
}

/** Loaded once: the file with all nested inputs has 3 MB. */
const nestedInputs = (() => {
    let text: string | undefined;
    return (name: string): Map<string, Stated> => {
        text ??= readFileSync(join(sdk, "types/input.d.ts"), "utf8");
        const [, service = "", type = ""] = /^inputs\.(\w+)\.(\w+)$/.exec(name) ?? [];
        const inService = text.slice(text.indexOf(`export declare namespace ${service} {`));
        const start = inService.indexOf(`interface ${type} {`);
        assert.ok(start >= 0, name);
        const source = ts.createSourceFile(
            name,
            inService.slice(start, inService.indexOf("\n    }", start) + 6),
            ts.ScriptTarget.Latest,
            true,
        );
        return declaration(source, type);
    };
})();

const simple: Record<string, string> = {
    text: "string",
    whole: "number",
    flag: "boolean",
    texts: "string[]",
    set: "string[]",
    map: "{[key:string]:string}",
};

/** The inputs in which the stand-in differs from the SDK. */
function mismatches(inputs: Inputs, args: Map<string, Stated>, at: string): string[] {
    const missing = [...args]
        .filter(([name, { isOptional }]) => !isOptional && inputs[name] === undefined)
        .map(([name]) => `${at}${name} is required there`);
    return [
        ...missing,
        ...Object.entries(inputs).flatMap(([name, { kind, isRequired = false }]) => {
            const found = args.get(name);
            if (found === undefined) {
                return [`${at}${name} isn't there`];
            }
            // The SDK can't state that either the old or the new name of an input is required, so it makes both optional.
            const needs = !found.isOptional && !isRequired ? [`${at}${name} may be left out here and not there`] : [];
            return [...needs, ...kindMismatches(kind, found.type, `${at}${name}`)];
        }),
    ];
}

function kindMismatches(kind: Kind, type: string, at: string): string[] {
    if (typeof kind === "string") {
        return type === simple[kind] ? [] : [`${at} is ${type} there and ${kind} here`];
    }
    if ("each" in kind) {
        return type.endsWith("[]")
            ? mismatches(kind.each as Inputs, nestedInputs(type.slice(0, -2)), `${at}[].`)
            : [`${at} is ${type} there`];
    }
    return mismatches(kind, nestedInputs(type), `${at}.`);
}

function outputMismatch(kind: OutputKind, type: string): boolean {
    return kind === "objects" ? !/^outputs\.\w+\.\w+\[\]$/.test(type) : type !== simple[kind];
}

function files({ type }: Description) {
    const [, path = "", name = ""] = type.split(":");
    return { source: parse(`${path}.d.ts`), script: readFileSync(join(sdk, `${path}.js`), "utf8"), name };
}

describe("The contract of the alicloud stand-in", () => {
    for (const description of descriptions) {
        it(`has the same ${description.type} as the SDK`, () => {
            const { source, script, name } = files(description);
            assert.ok(script.includes(`'${description.type}'`), "the type's name");
            assert.deepEqual(mismatches(description.inputs, declaration(source, `${name}Args`), ""), []);
            const properties = declaration(source, name);
            const wrong = Object.entries(description.outputs).filter(([output, kind]) => {
                const found = properties.get(output);
                return found === undefined || outputMismatch(kind, found.type);
            });
            assert.deepEqual(wrong, []);
            const secrets = Object.keys(description.inputs).filter((input) => description.inputs[input]?.isSecret);
            const [, names = ""] = /additionalSecretOutputs: \[([^\]]*)\]/.exec(script) ?? [];
            assert.deepEqual(secrets, names === "" ? [] : names.split(", ").map((quoted) => JSON.parse(quoted)));
        });
    }

    it("has each resource and function of the SDK that the program uses", () => {
        const sources = [
            join(clone, "index.ts"),
            ...readdirSync(join(clone, "components"))
                .filter((file) => file.endsWith(".ts"))
                .map((file) => join(clone, "components", file)),
        ].map((file) => readFileSync(file, "utf8"));
        const used = new Set(sources.flatMap((text) => [...text.matchAll(/"@pulumi\/alicloud\/(\w+\/\w+)"/g)].map((match) => match[1])));
        const known = [...descriptions.map(({ type }) => type), credentialToken].map((type) => type.split(":")[1]);
        assert.ok(used.size > 0);
        assert.deepEqual(
            [...used].filter((path) => !known.includes(path)),
            [],
        );
    });

    it("has the same arguments and results of the function as the SDK", () => {
        const source = parse("cs/getClusterCredential.d.ts");
        const args = declaration(source, "GetClusterCredentialArgs");
        assert.deepEqual(
            [args.get("clusterId"), args.get("temporaryDurationMinutes")?.type],
            [{ type: "string", isOptional: false }, "number"],
        );
        const result = [...declaration(source, "GetClusterCredentialResult").keys()];
        assert.deepEqual(
            ["id", "clusterId", "clusterName", "expiration", "kubeConfig", "certificateAuthority"].filter((name) => !result.includes(name)),
            [],
        );
    });

    it("has only settings that the provider has", () => {
        const there = declaration(parse("provider.d.ts"), "ProviderArgs");
        assert.deepEqual(
            settingNames.filter((name) => there.get(name)?.type !== "string"),
            [],
        );
    });

    it("is shown correctly in the docs", () => {
        const shown = readFileSync(join(clone, "docs/alicloud-inputs.md"), "utf8");
        assert.equal(shown, tableText(), "docs/alicloud-inputs.md differs from the table: run npm run inputs");
    });

    it("has an installed version", () => {
        assert.ok(existsSync(join(sdk, "kvstore/instance.d.ts")));
    });
});
