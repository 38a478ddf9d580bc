import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cache } from "./places";
import { MachineError, step } from "./progress";

/** A set of commands that is built from one Go module, `toolchain/modules/<module>`. */
interface Build {
    readonly module: string;
    /** A description with the duration of the build on 2 cores with an empty cache. */
    readonly title: string;
    readonly changed?: readonly Changed[];
    readonly build: (go: Go) => Promise<void>;
}

/** Runs `go` in a copy of the module. The commands go into the folder `output`. */
interface Go {
    readonly source: string;
    readonly output: string;
    readonly run: (...args: string[]) => Promise<string>;
    /** Compiles commands. Each gets the name of its package. */
    readonly compile: (packages: string | readonly string[], how?: How) => Promise<void>;
}

interface How {
    /** Another name for the command. */
    readonly as?: string;
    /** Values of variables that the linker sets. */
    readonly variables?: Readonly<Record<string, string>>;
    readonly flags?: readonly string[];
}

const pulumiVersion = "3.215.0";
const kubernetesProviderVersion = "4.25.0";
/**
 * The newest version that Debian 12's containerd 1.6 can run. Its minor version is still supported upstream. `kindest/node` in
 * nodeImage.ts has the same version.
 */
export const kubernetesVersion = "1.35.8";
export const kindVersion = "0.33.0";
const languageHostVersion = "3.68.0";
const ferretVersion = "1.24.0";
export const collectorVersion = "0.128.0";

let turn: Promise<unknown> = Promise.resolve();

/** Runs one compiler at a time: each uses all processors and several gigabytes of memory. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const own = turn.then(work);
    turn = own.catch(() => {});
    return own;
}

function compiler({ output, run }: Pick<Go, "output" | "run">): Go["compile"] {
    return async (packages, { as = "", variables = {}, flags = [] } = {}) => {
        // Without symbol tables and debugging data: a third smaller, and nothing here is debugged from a core.
        const linked = ["-s -w", ...Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)].join(" ");
        const named = [packages].flat();
        // Downloads what is needed, and only that, while others compile.
        await run("list", ...flags, "-deps", ...named);
        await inTurn(() => run("build", ...flags, "-ldflags", linked, "-o", `${output}/${as}`, ...named));
    };
}

/** The folder of a module's source. Downloads the module if it is missing. */
async function moduleFolder(run: Go["run"], module: string): Promise<string> {
    return (JSON.parse(await run("mod", "download", "-json", module)) as { Dir: string }).Dir;
}

/** A third-party module that is built from a changed copy of its source. */
interface Changed {
    readonly module: string;
    readonly places: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

async function change({ source, run }: Go, { module, places }: Changed): Promise<void> {
    const copy = join(source, "changed", module);
    mkdirSync(dirname(copy), { recursive: true });
    await execa("cp", ["-r", "--no-preserve=mode", await moduleFolder(run, module), copy]);
    for (const { file, from, to } of places) {
        const [before, after, ...more] = readFileSync(join(copy, file), "utf8").split(from);
        if (after === undefined || more.length > 0) {
            throw new MachineError(`${module}: the change in toolchain/goModules.ts does not fit ${file} of this version`);
        }
        writeFileSync(join(copy, file), `${before}${to}${after}`);
    }
    await run("mod", "edit", "-replace", `${module}=${copy}`);
}

const providerModule = "github.com/pulumi/pulumi-kubernetes/provider/v4";

/**
 * The provider's component resources. They are removed: they need the provider's Go SDK, which is half of the code of Pulumi and the
 * provider together. No stack here uses one.
 */
const componentResources = [
    ["providerhelmv4", "helm/v4", `"kubernetes:helm.sh/v4:Chart":       providerhelmv4.NewChartProvider,`],
    ["providerkustomizev2", "kustomize/v2", `"kubernetes:kustomize/v2:Directory": providerkustomizev2.NewDirectoryProvider,`],
    [
        "provideryamlv2",
        "yaml/v2",
        `"kubernetes:yaml/v2:ConfigFile":     provideryamlv2.NewConfigFileProvider,`,
        `"kubernetes:yaml/v2:ConfigGroup":    provideryamlv2.NewConfigGroupProvider,`,
    ],
] as const;

/**
 * The provider sometimes takes an unfinished rollout of a Deployment for finished. So an `up` of a crashing image succeeds now and then.
 * This happens in two cases: the controller has not observed the new generation yet, and the old status counts; or the strategy is
 * Recreate, and the old pod ends before a new pod exists. The provider checks status.observedGeneration only for the Deployment API of
 * 2016, and never checks status.updatedReplicas. This change checks both for all Deployments.
 */
const provider: Changed = {
    module: providerModule,
    places: [
        ...componentResources.flatMap(([name, folder, ...entries]) =>
            [`${name} "${providerModule}/pkg/provider/${folder}"`, ...entries].map((from) => ({
                file: "pkg/provider/provider_construct.go",
                from,
                to: "",
            })),
        ),
        { file: "pkg/await/deployment.go", from: "} else if extensionsV1Beta1API {", to: "} else {" },
        {
            file: "pkg/await/deployment.go",
            from: "func (dia *deploymentInitAwaiter) checkAndLogStatus() bool {",
            to: `func (dia *deploymentInitAwaiter) checkAndLogStatus() bool {
	if dia.deployment == nil {
		return false
	}
	replicas, _ := openapi.Pluck(dia.deployment.Object, "spec", "replicas")
	updated, _ := openapi.Pluck(dia.deployment.Object, "status", "updatedReplicas")
	if updated != replicas && replicas != int64(0) {
		return false
	}`,
        },
    ],
};

const pulumi: Build = {
    module: "pulumi",
    title: "Pulumi CLI and Kubernetes provider from Go modules (about 10 min the first time)",
    changed: [provider],
    build: async ({ source, compile }) => {
        for (const file of ["schema.json", "terraform-mapping.json"]) {
            writeFileSync(
                join(source, "kubernetes-provider", file),
                readFileSync(join(source, "changed", providerModule, "cmd", "pulumi-resource-kubernetes", file)),
            );
        }
        const version = `v${pulumiVersion}`;
        await compile("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", {
            variables: {
                "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": version,
                "github.com/pulumi/pulumi/pkg/v3/version.Version": version,
            },
        });
        await compile("./kubernetes-provider", {
            as: "pulumi-resource-kubernetes",
            variables: { "main.version": kubernetesProviderVersion },
        });
    },
};

const languageHost: Build = {
    module: "language-nodejs",
    title: "Pulumi's Node.js language host from Go modules (about 20 s)",
    build: async ({ source, output, run, compile }) => {
        await compile("github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs", {
            as: "language-nodejs",
            variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${languageHostVersion}` },
        });
        cpSync(join(source, "pulumi-language-nodejs"), join(output, "pulumi-language-nodejs"));
        const sdk = await moduleFolder(run, "github.com/pulumi/pulumi/sdk/v3");
        for (const script of ["pulumi-analyzer-policy", "pulumi-resource-pulumi-nodejs"]) {
            writeFileSync(join(output, script), readFileSync(join(sdk, "nodejs", "dist", script)), { mode: 0o755 });
        }
    },
};

/**
 * kube-router reads the whole filter table and writes it back later. This undoes the changes that kube-proxy made in between, so a Service
 * may still be refused although it has pods. With this change, kube-router writes only its own chains.
 *
 * kube-router also accepts allowed packets before kube-proxy can refuse them, so a connection to a Service without pods hangs. With this
 * change, it passes allowed packets on to the next chains.
 */
const policyController: Changed = {
    module: "github.com/cloudnativelabs/kube-router/v2",
    places: [
        {
            file: "pkg/utils/iptables.go",
            from: "return i.exec(i.restoreCmd, args, data, nil)",
            to: `return i.exec(i.restoreCmd, append(args, "--noflush"), data, nil)`,
        },
        {
            file: "pkg/controllers/netpol/network_policy_controller.go",
            from: `if strings.Contains(rule, "COMMIT") || strings.HasPrefix(rule, "# ") {`,
            to: `own := strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(rule, "-A"), "-I"), ": ")
			isOwn := strings.HasPrefix(own, "KUBE-ROUTER-") || strings.HasPrefix(own, kubePodFirewallChainPrefix) ||
				strings.HasPrefix(own, kubeNetworkPolicyChainPrefix)
			if !isOwn {`,
        },
        {
            file: "pkg/controllers/netpol/network_policy_controller.go",
            from: String.raw`desiredFilterTable.WriteString("COMMIT" + "\n")`,
            to: String.raw`for _, chain := range append(cleanupPodFwChains, cleanupPolicyChains...) {
			desiredFilterTable.WriteString("-F " + chain + "\n-X " + chain + "\n")
		}
		desiredFilterTable.WriteString("COMMIT" + "\n")`,
        },
        {
            file: "pkg/controllers/netpol/network_policy_controller.go",
            from: `"--mark", "0x20000/0x20000",
				"-j", "ACCEPT"}`,
            to: `"--mark", "0x20000/0x20000",
				"-j", "RETURN"}`,
        },
    ],
};

/**
 * metrics-server's generated OpenAPI description fits only Kubernetes before 1.35, which renamed types. Kubernetes' own description has
 * these types too.
 */
const metricsServer: Changed = {
    module: "sigs.k8s.io/metrics-server",
    places: [
        {
            file: "cmd/metrics-server/app/options/options.go",
            from: '"sigs.k8s.io/metrics-server/pkg/api/generated/openapi"',
            to: '"k8s.io/kubernetes/pkg/generated/openapi"',
        },
    ],
};

/**
 * All programs of the node, in one module with one version of each dependency. Compared with Kubernetes, the others add only a few
 * packages.
 */
const kubernetes: Build = {
    module: "kubernetes",
    title: "Kubernetes, etcd, CoreDNS and metrics-server from Go modules (about 6 min the first time)",
    changed: [policyController, metricsServer],
    build: async ({ compile }) => {
        const [major, minor] = kubernetesVersion.split(".");
        await compile(["./node", "./pause", "k8s.io/kubernetes/cmd/kubectl"], {
            variables: {
                "k8s.io/component-base/version.gitVersion": `v${kubernetesVersion}`,
                "k8s.io/component-base/version.gitMajor": `${major}`,
                "k8s.io/component-base/version.gitMinor": `${minor}`,
                "k8s.io/client-go/pkg/version.gitVersion": `v${kubernetesVersion}`,
            },
        });
    },
};

const kind: Build = {
    module: "kind",
    title: "kind from Go modules (about 20 s)",
    build: ({ compile }) => compile("sigs.k8s.io/kind"),
};

const byId = `\t\tv, _ := params.Filter.Get("_id")\n\t\tswitch v.(type) {\n\t\tcase string, types.ObjectID:\n\t\t\t`;

/**
 * FerretDB reads a document, changes it and writes it back. If two changes run at the same time, the first is lost: a message that two
 * workers claim is sent twice. MongoDB changes a document atomically. With this change FerretDB runs one change at a time. SQLite allows
 * only one writer anyway, and the others would sleep.
 *
 * FerretDB also reads all documents to find one by its id: its query has another expression than its index. With further conditions in the
 * filter, it does not use the id at all. A claim among 9,000 messages took 67 ms. With this change it takes 0.8 ms.
 */
const documentStore: Changed = {
    module: "github.com/FerretDB/FerretDB",
    places: [
        { file: "internal/handler/handler.go", from: "// Handler provides", to: "var oneChange sync.Mutex\n\n// Handler provides" },
        ...[
            {
                file: "internal/handler/msg_findandmodify.go",
                from: "params *common.FindAndModifyParams) (*findAndModifyResult, error) {",
            },
            { file: "internal/handler/msg_update.go", from: "params *common.UpdateParams) (int32, int32, *types.Array, error) {" },
            ...["Insert", "Delete"].map((change) => ({
                file: `internal/handler/msg_${change.toLowerCase()}.go`,
                from: `Msg${change}(connCtx context.Context, msg *wire.OpMsg) (*wire.OpMsg, error) {`,
            })),
        ].map(({ file, from }) => ({ file, from, to: `${from}\n\toneChange.Lock()\n\tdefer oneChange.Unlock()\n` })),
        {
            file: "internal/backends/sqlite/collection.go",
            from: `if params.Filter.Len() == 1 {\n${byId}whereClause`,
            to: `if params.Filter.Len() > 0 {\n${byId}whereClause`,
        },
        {
            file: "internal/backends/sqlite/metadata/metadata.go",
            from: `IDColumn = DefaultColumn + "->'$._id'"`,
            to: 'IDColumn = DefaultColumn + `->"_id"`',
        },
        // With TLS, FerretDB listens only on the TLS address, and then tells a replica set's clients no address.
        {
            file: "cmd/ferretdb/main.go",
            from: "cli.Listen.Addr,\n\t\tReplSetName",
            to: "cli.Listen.Addr + cli.Listen.TLS,\n\t\tReplSetName",
        },
    ],
};

const ferretdb: Build = {
    module: "ferretdb",
    title: "FerretDB from Go modules (about 1 min the first time)",
    changed: [documentStore],
    build: async ({ source, run, compile }) => {
        await run("mod", "vendor");
        // FerretDB embeds its version from a file that only its own build makes; without it the command panics.
        const version = join(source, "vendor", "github.com", "FerretDB", "FerretDB", "build", "version", "version.txt");
        writeFileSync(version, `v${ferretVersion}\n`);
        await compile(["github.com/FerretDB/FerretDB/cmd/ferretdb", "./entrypoint"], { flags: ["-mod=vendor"] });
    },
};

const collector: Build = {
    module: "collector",
    title: "OpenTelemetry Collector from Go modules (about 2 min the first time)",
    build: ({ compile }) => compile(".", { as: "otelcol-contrib", variables: { "main.version": collectorVersion } }),
};

const sls: Build = {
    module: "sls",
    title: "the end that stands in for Simple Log Service (about 20 s)",
    build: ({ compile }) => compile("."),
};

/** The tests check .github/workflows with it. */
const actionlint: Build = {
    module: "actionlint",
    title: "actionlint from Go modules (about 10 s the first time)",
    build: ({ compile }) => compile("github.com/rhysd/actionlint/cmd/actionlint"),
};

/** The load generator of the experiments. */
const vegeta: Build = {
    module: "vegeta",
    title: "vegeta from Go modules (about 10 s)",
    build: ({ compile }) => compile("github.com/tsenart/vegeta/v12"),
};

/** Simulates nodes and pods in the API server: see fakeNodes.ts. */
const kwok: Build = {
    module: "kwok",
    title: "kwok from Go modules (about 2 min the first time)",
    build: async ({ output, run, compile }) => {
        await compile("sigs.k8s.io/kwok/cmd/kwok");
        // What becomes of a node and of a pod: kwok knows none of it by itself.
        const stages = join(await moduleFolder(run, "sigs.k8s.io/kwok"), "kustomize", "stage");
        const names = ["node/fast/node-initialize", "node/heartbeat-with-lease/node-heartbeat-with-lease"];
        names.push(...["ready", "complete", "delete"].map((stage) => `pod/fast/pod-${stage}`));
        const texts = names.map((name) => readFileSync(join(stages, `${name}.yaml`), "utf8"));
        writeFileSync(join(output, "stages.yaml"), texts.join("\n---\n"));
    },
};

/** KEDA's operator and metrics adapter, with the manifests of its own installation: see keda.ts. */
const keda: Build = {
    module: "keda",
    title: "KEDA from Go modules (about 10 min the first time)",
    build: async ({ output, run, compile }) => {
        const module = "github.com/kedacore/keda/v2";
        await compile(`${module}/cmd/operator`, { as: "keda" });
        await compile(`${module}/cmd/adapter`, { as: "keda-adapter" });
        await execa("cp", ["-r", "--no-preserve=mode", join(await moduleFolder(run, module), "config"), output]);
    },
};

/** Without the language server for editors, which needs a C compiler, and without the web page, whose front end has a separate build. */
const withoutPage: Changed = {
    module: "github.com/tilt-dev/tilt",
    places: [
        // The file that the page's address then shows.
        { file: "pkg/assets/embedded.go", from: "build/index.html", to: "build/robots.txt" },
        { file: "internal/cli/lsp.go", from: "package cli\n", to: "//go:build ignore\n\npackage cli\n" },
        ...[
            [`\t"go.lsp.dev/protocol"\n`, ""],
            [`\t"github.com/tilt-dev/starlark-lsp/pkg/cli"\n`, ""],
            ["\trootCmd.AddCommand(newLspCmd())\n", ""],
            [
                "\tl, cleanup := cli.NewLogger()\n\treturn protocol.WithLogger(context.Background(), l), cleanup\n",
                "\treturn context.Background(), func() {}\n}\n\ntype cmdLspDeps struct{}\n\nfunc newLspDeps(...any) (none cmdLspDeps) {\n\treturn\n",
            ],
        ].map(([from = "", to = ""]) => ({ file: "internal/cli/cli.go", from, to })),
    ],
};

/** Tilt for `npm run dev`, which uses its terminal output. */
const tilt: Build = {
    module: "tilt",
    title: "Tilt from Go modules (about 3 min the first time)",
    changed: [withoutPage],
    build: ({ compile }) => compile("github.com/tilt-dev/tilt/cmd/tilt"),
};

/** For the comparison of the program with Helm. */
const helm: Build = {
    module: "helm",
    title: "Helm from Go modules (about 2 min the first time)",
    build: ({ compile }) => compile("helm.sh/helm/v3/cmd/helm"),
};

/**
 * Prometheus without its web pages, whose front end has a separate build. It is built with the tag of the official builds: without the
 * tag, this version forgets series that it has scraped (prometheus#16606).
 */
const prometheus: Build = {
    module: "prometheus",
    title: "Prometheus and promtool from Go modules (about 5 min the first time)",
    build: ({ compile }) =>
        compile(
            ["prometheus", "promtool"].map((command) => `github.com/prometheus/prometheus/cmd/${command}`),
            { flags: ["-tags", "stringlabels"] },
        ),
};

/** The custom resource definitions of the operator's monitors and rules. The operator itself isn't built. */
const prometheusOperator: Build = {
    module: "prometheus-operator",
    title: "the Prometheus operator's resources from its Go module (about 5 s)",
    build: async ({ output, run }) => {
        const module = await moduleFolder(run, "github.com/prometheus-operator/prometheus-operator");
        for (const kind of ["podmonitors", "prometheusrules"]) {
            const file = join("example", "prometheus-operator-crd", `monitoring.coreos.com_${kind}.yaml`);
            writeFileSync(join(output, `${kind}.yaml`), readFileSync(join(module, file)));
        }
    },
};

const builds = {
    pulumi,
    "language-nodejs": languageHost,
    kubernetes,
    kind,
    ferretdb,
    collector,
    sls,
    actionlint,
    vegeta,
    kwok,
    keda,
    tilt,
    helm,
    prometheus,
    "prometheus-operator": prometheusOperator,
};
export type Module = keyof typeof builds;

function files(directory: string): string[] {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith(".json"))
        .map((entry) => join(entry.parentPath, entry.name))
        .sort();
}

/** The source text of the module's definition. The compiled function would differ between compilers. */
function definition(module: Module): string {
    const source = readFileSync(__filename, "utf8");
    const definitions = source.matchAll(/^const \w+: Build = \{\n {4}module: "(.+)",\n[\s\S]*?^\};$/gm);
    const [own] = [...definitions].find(([, name]) => name === module) ?? [];
    const [shared] = source.match(/^function compiler\([\s\S]*?^\}$/m) ?? [];
    if (own === undefined || shared === undefined) {
        throw new Error(`no definition of ${module} was found in ${__filename}`);
    }
    return `${shared}\n${own}`;
}

/** The output folder of the module's commands. Its name contains a hash of all inputs of the build. */
function outputFolder(module: Module, goVersion: string): string {
    const source = join(__dirname, "modules", module);
    const { changed = [] }: Build = builds[module];
    const hash = createHash("sha256").update(goVersion).update(definition(module));
    hash.update(JSON.stringify(changed));
    for (const file of files(source)) {
        hash.update(file.slice(source.length)).update(readFileSync(file));
    }
    return join(cache, "toolchain", `${module}-${hash.digest("hex").slice(0, 12)}`);
}

async function goVersion(): Promise<string> {
    try {
        const { stdout } = await execa("go", ["env", "GOVERSION"]);
        return stdout;
    } catch {
        throw new MachineError(
            "go is missing: the toolchain is built from Go modules.\n  Install Go 1.25 or newer and put it on the PATH, then run this again.",
        );
    }
}

const asked = new Map<Module, Promise<string>>();

/** The folder of the module's commands. Builds them if the cache doesn't have them. A process checks and builds only once. */
export function built(module: Module): Promise<string> {
    const folder = asked.get(module) ?? ensureBuilt(module);
    asked.set(module, folder);
    return folder;
}

/** Whether the cache has the module's commands. */
export async function isBuilt(module: Module): Promise<boolean> {
    const { failed, stdout } = await execa("go", ["env", "GOVERSION"], { reject: false });
    return !failed && existsSync(outputFolder(module, stdout));
}

async function ensureBuilt(module: Module): Promise<string> {
    const { title, changed = [], build }: Build = builds[module];
    const output = outputFolder(module, await goVersion());
    if (existsSync(output)) {
        return output;
    }
    await step(title, async () => {
        // A folder per process, because a preview and an `up` may build the same module at the same time.
        const work = join(cache, "work", `${module}-${process.pid}`);
        rmSync(work, { recursive: true, force: true });
        const source = join(work, "source");
        const unfinished = join(work, "output");
        mkdirSync(unfinished, { recursive: true });
        mkdirSync(join(cache, "toolchain"), { recursive: true });
        cpSync(join(__dirname, "modules", module), source, { recursive: true });
        const run = async (...args: string[]) => {
            const { stdout } = await execa("go", args, { cwd: source, env: { CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false" } });
            return stdout;
        };
        const go = { source, output: unfinished, run, compile: compiler({ output: unfinished, run }) };
        for (const each of changed) {
            await change(go, each);
        }
        await build(go);
        if (!existsSync(output)) {
            renameSync(unfinished, output);
        }
        rmSync(work, { recursive: true, force: true });
    });
    return output;
}
