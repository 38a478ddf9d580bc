/**
 * `npm run stack:init -- online`: creates the stack in the backend, generates its passwords, and lists the missing settings. It can run
 * again at any time: it does not change existing values.
 */

import { InvalidArgumentError } from "@commander-js/extra-typings";
import { exitCode, script, start } from "../cli/command";
import { say } from "../cli/say";
import { type StackName, stackMeaning, stackOfBackend } from "../cli/stackName";
import { rawSettings, type StackFile } from "../settings/stackFile";
import { clone } from "../toolchain/places";
import { backendOf } from "./backend";
import { withEnvironment } from "./esc";
import { generatedPassword } from "./passwords";
import { complete, readPlaceholders } from "./placeholders";
import { isMissing, problemsIn, readStackFile } from "./stackFile";
import { listedAs } from "./stacks";

/** The passwords that the program itself gives to the stores. All other secrets already exist elsewhere. */
const ownPasswords = ["sms:redisPassword", "sms:mongoPassword"];

interface Options {
    readonly secretsProvider?: string;
}

async function stackInit(given: StackName, { secretsProvider }: Options): Promise<number> {
    const { name, qualified: stack } = given;
    const before = readStackFile(clone, name);
    const pulumi = await backendOf(before, secretsProvider);
    if (listedAs(given, await pulumi.call(["stack", "ls", "--json"])) !== undefined) {
        say(`Stack ${stack} is in the backend already.`);
    } else {
        const provider = secretsProvider === undefined ? [] : ["--secrets-provider", secretsProvider];
        await pulumi.call(["stack", "init", stack, "--no-select", ...provider]);
        say(`Stack ${stack} is created.`);
    }
    const opened = () =>
        withEnvironment(readStackFile(clone, name), async (args) => ({ stdout: await pulumi.call([...args, "--stack", stack]) }));
    for (const key of missingPasswords(name, (await opened()).config)) {
        // On standard input, because other users can read arguments in the process list.
        await pulumi.call(["config", "set", "--secret", key, "--stack", stack], generatedPassword());
        say(`${key}: generated and encrypted into Pulumi.${name}.yaml.`);
    }
    await pulumi.call(["config", "--stack", stack, "--show-secrets", "--json"]);
    sayWhatIsLeft(name, await opened());
    return 0;
}

/** The passwords that the stack needs and the file doesn't have. */
export function missingPasswords(stack: string, config: StackFile["config"]): string[] {
    return problemsIn(rawSettings(stack, { config }))
        .filter(isMissing)
        .map(({ key }) => key)
        .filter((key) => ownPasswords.includes(key));
}

function sayWhatIsLeft(stack: string, file: StackFile): void {
    const { missing, problems } = complete(stack, file, readPlaceholders());
    const left = [...missing, ...problems];
    if (left.length === 0) {
        say(`\nPulumi.${stack}.yaml is complete: npm run preview -- --stack ${stack}, then commit the file and \`pulumi up\`.`);
        return;
    }
    say(`\nStill to be set in Pulumi.${stack}.yaml:`);
    for (const { key, message, fix } of left) {
        say(`  ${key} ${message}\n      ${fix}`);
    }
    say("\nThen run this command again, and commit the file: its secrets are encrypted.");
}

function provider(text: string): string {
    if (!/^(default|passphrase|(awskms|azurekeyvault|gcpkms|hashivault):\/\/\S+)$/.test(text)) {
        throw new InvalidArgumentError(
            "Allowed: passphrase, default, or awskms://, azurekeyvault://, gcpkms:// or hashivault:// and a key.",
        );
    }
    return text;
}

if (require.main === module) {
    start(
        script("stack:init", "Creates a stack in the backend, generates its passwords, and lists the settings that are still missing.")
            .argument("<stack>", stackMeaning, stackOfBackend)
            .option(
                "--secrets-provider <provider>",
                "encrypts the stack's secrets: passphrase, default (Pulumi Cloud), or a key's URL",
                provider,
            )
            .action(exitCode(stackInit)),
    );
}
