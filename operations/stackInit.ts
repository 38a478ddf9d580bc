/**
 * `npm run stack:init -- online`: makes the stack in the backend, gives it the passwords that can be made up, and says what is
 * still to be set. It can be run again at any time: what is there stays as it is.
 */
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { type StackName, stackMeaning, stackOfBackend } from "../cli/stackName";
import { pulumiCommand } from "../machine/commands";
import { hasEncrypted, rawSettings, type StackFile } from "../settings/stackFile";
import { clone, OperationError } from "./operation";
import { passphraseOf } from "./passphrase";
import { generatedPassword } from "./passwords";
import { complete, readPlaceholders } from "./placeholders";
import { isMissing, problemsIn, readStackFile } from "./stackFile";
import { listedAs } from "./stacks";

/** What the program itself gives to the stores. Anything else exists elsewhere already. */
const ownPasswords = ["sms:redisPassword", "sms:mongoPassword"];

async function stackInit(given: StackName): Promise<number> {
    const { name, qualified: stack } = given;
    const before = readStackFile(clone, name);
    const pulumi = await pulumiIn(before);
    if (listedAs(given, await pulumi.call(["stack", "ls", "--json"])) !== undefined) {
        say(`Stack ${stack} is in the backend already.`);
    } else {
        await pulumi.call(["stack", "init", stack, "--no-select"]);
        say(`Stack ${stack} is made.`);
    }
    const config = readStackFile(clone, name).config;
    for (const key of missingPasswords(name, config)) {
        // By standard input: an argument could be read in the process list.
        await pulumi.call(["config", "set", "--secret", key, "--stack", stack], generatedPassword());
        say(`${key}: made up and encrypted into Pulumi.${name}.yaml.`);
    }
    await pulumi.call(["config", "--stack", stack, "--show-secrets", "--json"]);
    sayWhatIsLeft(name);
    return 0;
}

interface Pulumi {
    readonly call: (args: string[], input?: string) => Promise<string>;
}

async function pulumiIn({ encryptionsalt, config }: StackFile): Promise<Pulumi> {
    const command = await pulumiCommand();
    const isNew = encryptionsalt === undefined && !hasEncrypted(config);
    const backend = await execa(command, ["whoami", "--non-interactive"], { cwd: clone, reject: false, stdin: "ignore" });
    if (backend.failed) {
        throw new OperationError(
            `Pulumi has no backend to keep the state in: set PULUMI_BACKEND_URL or \`pulumi login\`; see docs/going-online.md.\n${backend.stderr}`,
        );
    }
    const passphrase = await passphraseOf(isNew);
    const call = async (args: string[], input = "") => {
        const { failed, stdout, stderr } = await execa(command, [...args, "--non-interactive"], {
            cwd: clone,
            // The environment is for the user's own processes; the arguments are for everybody's eyes.
            env: { PULUMI_CONFIG_PASSPHRASE: passphrase, PULUMI_CONFIG_PASSPHRASE_FILE: undefined, PULUMI_SKIP_UPDATE_CHECK: "true" },
            input,
            reject: false,
        });
        if (failed) {
            const reason = /incorrect passphrase/.test(stderr)
                ? "This is not the passphrase that the stack's secrets are encrypted with."
                : stderr;
            throw new OperationError(`pulumi ${args.slice(0, 2).join(" ")} failed: ${reason}`);
        }
        return stdout;
    };
    return { call };
}

/** Those that the file asks for and doesn't have. */
export function missingPasswords(stack: string, config: StackFile["config"]): string[] {
    return problemsIn(rawSettings(stack, { config }))
        .filter(isMissing)
        .map(({ key }) => key)
        .filter((key) => ownPasswords.includes(key));
}

function sayWhatIsLeft(stack: string): void {
    const { missing, problems } = complete(stack, readStackFile(clone, stack), readPlaceholders());
    const left = [...missing, ...problems];
    if (left.length === 0) {
        say(`\nPulumi.${stack}.yaml is complete: npm run preview -- --stack ${stack}, then commit the file and \`pulumi up\`.`);
        return;
    }
    say(`\nStill to be set in Pulumi.${stack}.yaml:`);
    for (const { key, message, fix } of left) {
        say(`  ${key} ${message}\n      ${fix}`);
    }
    say("\nThen run this again, and commit the file: the passphrase never is in it, and its secrets are encrypted.");
}

function say(line: string): void {
    process.stdout.write(`${line}\n`);
}

if (require.main === module) {
    start(
        script("stack:init", "Makes a stack in the backend, with generated passwords, and says what is still to be set.")
            .argument("<stack>", stackMeaning, stackOfBackend)
            .action(exitCode(stackInit)),
    );
}
