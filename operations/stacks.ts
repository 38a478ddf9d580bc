import type { StackName } from "../cli/stackName";

/** A stack in the output of `pulumi stack ls --json`. */
export interface Listed {
    readonly name: string;
    /** Only in Pulumi Cloud. */
    readonly url?: string;
    readonly updateInProgress?: boolean;
}

/** The stack in the output of `pulumi stack ls --json`, or undefined. */
export function listedAs({ name, qualified }: StackName, json: string): Listed | undefined {
    const [organization] = qualified === name ? [] : qualified.split("/");
    const isOf = (url?: string) => organization === undefined || url === undefined || url.includes(`/${organization}/`);
    return (JSON.parse(json) as Listed[]).find((listed) => listed.name.split("/").at(-1) === name && isOf(listed.url));
}
