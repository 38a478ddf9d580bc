import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zone } from "../../lab/rehearsal/alicloud-provider/ground";
import { clone } from "../../toolchain/places";

/** The versions of the modules that a toolchain's module depends on, including replacements. */
function versionsOf(name: string): Map<string, string> {
    const text = readFileSync(join(clone, "toolchain", "modules", name, "go.mod"), "utf8");
    const required = [...text.matchAll(/^(?:require )?\s*(\S+) (v\S+)/gm)].map(([, module, version]) => [module, `${module} ${version}`]);
    const replaced = [...text.matchAll(/^(?:replace )?\s*(\S+) => (\S+ \S+)$/gm)].map(([, module, other]) => [module, other]);
    return new Map([...required, ...replaced] as [string, string][]);
}

describe("the toolchain", () => {
    it("builds Pulumi and Kubernetes with the same modules, so that their common modules are compiled once", () => {
        const [pulumi, kubernetes] = [versionsOf("pulumi"), versionsOf("kubernetes")];
        const shared = [...kubernetes.keys()].filter((module) => pulumi.has(module));
        assert.ok(shared.length > 100, `${shared.length} shared modules`);
        for (const module of shared) {
            assert.equal(pulumi.get(module), kubernetes.get(module), `toolchain/modules/pulumi/go.mod: replace ${module}`);
        }
    });

    it("has CoreDNS's plugins for the cloud's names in the rehearsal", () => {
        const node = readFileSync(join(clone, "toolchain", "modules", "kubernetes", "node", "main.go"), "utf8");
        const plugins = new Set([...zone.matchAll(/^ {4}([a-z]+)/gm)].map(([, plugin]) => plugin));
        assert.deepEqual(plugins, new Set(["template", "forward"]));
        for (const plugin of plugins) {
            assert.ok(node.includes(`"github.com/coredns/coredns/plugin/${plugin}"`), plugin);
        }
    });
});
