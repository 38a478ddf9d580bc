import assert from "node:assert/strict";
import { targetOf } from "../../lab/machine/engineTarget";
import { pulumiArgs } from "../../lab/machine/stack";
import { foreignEngineVariables } from "../../toolchain/foreignVariables";

const stacks = ["local", "online-rehearsal"];

describe("the engine's arguments from a user", () => {
    it("select the stack local by default", () => {
        assert.deepEqual(targetOf(["up", "--yes"], stacks), { stack: "local", args: ["up", "--yes"] });
    });

    for (const named of [
        ["--stack", "online-rehearsal"],
        ["--stack=online-rehearsal"],
        ["-s", "online-rehearsal"],
        ["-s=online-rehearsal"],
        ["-sonline-rehearsal"],
    ]) {
        it(`select the stack that ${named.join(" ")} names`, () => {
            assert.deepEqual(targetOf(["destroy", ...named, "--yes"], stacks), { stack: "online-rehearsal", args: ["destroy", "--yes"] });
        });
    }

    it("end at --, and a value follows", () => {
        const args = ["config", "set", "sms:env.A", "--", "--stack"];
        assert.deepEqual(targetOf(args, stacks), { stack: "local", args });
    });

    const refused: [args: string[], because: RegExp][] = [
        [["destroy", "--stack", "dev"], /no stack "dev"; it has local, online-rehearsal/],
        [["destroy", "--stack=organization/sms/local"], /no stack "organization\/sms\/local"/],
        [["destroy", "--stack", ""], /no stack ""/],
        [["destroy", "--stack"], /no stack ""/],
        [["destroy", "--stack="], /no stack ""/],
        [["destroy", "-s="], /no stack ""/],
        [["destroy", "--stack", "local", "-s", "dev"], /given 2 times: local, dev/],
        [["destroy", "-ys", "dev"], /-ys may name a stack/],
        [["up", "--config-file", "other.yaml"], /--config-file: a stack of the machine has one file/],
        [["up", "--config-file=other.yaml"], /--config-file/],
        [["up", "--cwd", "/elsewhere"], /the project is this clone/],
        [["up", "--cwd=/elsewhere"], /the project is this clone/],
        [["up", "-C", "/elsewhere"], /the project is this clone/],
        [["--stack", "dev", "destroy"], /command comes first/],
        [["--yes", "destroy"], /command comes first/],
        [["stack", "rm", "dev"], /pulumi stack rm dev: name the stack with --stack dev/],
        [["stack", "rm", "--yes", "dev"], /pulumi stack rm dev: name/],
        [["cancel", "dev"], /pulumi cancel dev: name the stack with --stack dev/],
        [["stack", "select", "dev"], /stack select is not for/],
        [["stack", "init", "dev"], /stack init is not for/],
        [["stack", "rename", "dev"], /stack rename is not for/],
        [["state", "move", "--dest", "dev", "urn"], /state move is not for/],
        [["config", "cp", "--dest", "dev"], /config cp is not for/],
        [["login", "s3://elsewhere"], /login is not for/],
        [["new", "typescript"], /new is not for/],
    ];
    for (const [args, because] of refused) {
        it(`are refused: pulumi ${args.join(" ")}`, () => {
            assert.throws(() => targetOf(args, stacks), because);
        });
    }
});

describe("the engine's whole command line", () => {
    const stack = { name: "local", program: "/clone", settings: "/clone/Pulumi.local.yaml", file: "/state/Pulumi.local.yaml" };
    const target = ["--stack", "local", "--config-file", "/state/Pulumi.local.yaml"];

    it("names the stack and its file, for all names of a command", () => {
        for (const verb of ["up", "update", "preview", "pre", "destroy", "down", "dn", "refresh", "config", "import"]) {
            assert.deepEqual(pulumiArgs(stack, [verb, "--yes"]), [verb, "--yes", ...target]);
        }
    });

    it("names only the stack if there is no file", () => {
        assert.deepEqual(pulumiArgs(stack, ["stack", "output"]), ["stack", "output", "--stack", "local"]);
    });

    it("keeps the clone's stack file when a stack is removed", () => {
        assert.deepEqual(pulumiArgs(stack, ["stack", "rm", "--yes"]), ["stack", "rm", "--yes", "--preserve-config", "--stack", "local"]);
    });

    it("adds no options to a command without a stack", () => {
        for (const verb of ["version", "whoami", "plugin", "schema", "--help"]) {
            assert.deepEqual(pulumiArgs(stack, [verb]), [verb]);
        }
    });

    it("has its options before --", () => {
        const args = pulumiArgs(stack, ["config", "set", "sms:env.A", "--", "-1"]);
        assert.deepEqual(args, ["config", "set", "sms:env.A", ...target, "--", "-1"]);
    });
});

describe("the engine's environment", () => {
    const exported = ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_BACKEND_URL", "PULUMI_STACK", "PULUMI_ACCESS_TOKEN", "PULUMI_HOME"];
    afterEach(() => {
        for (const name of exported) {
            delete process.env[name];
        }
    });

    it("has none of the user's variables for other stacks", () => {
        for (const name of exported) {
            process.env[name] = "the user's";
        }
        const taken = foreignEngineVariables();
        assert.deepEqual(
            exported.map((name) => [name in taken, taken[name]]),
            exported.map(() => [true, undefined]),
        );
        assert.ok(!("PATH" in taken));
    });
});
