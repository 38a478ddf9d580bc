import type { StackName } from "../cli/stackName";

/** A stack, as `pulumi stack ls --json` lists it. */
export interface Listed {
    readonly name: string;
    /** Only in Pulumi Cloud. */
    readonly url?: string;
    readonly updateInProgress?: boolean;
}

/** The stack in what the backend lists; undefined where it isn't there. */
export function listedAs({ name, qualified }: StackName, json: string): Listed | undefined {
    const [organization] = qualified === name ? [] : qualified.split("/");
    const isOf = (url?: string) => organization === undefined || url === undefined || url.includes(`/${organization}/`);
    return (JSON.parse(json) as Listed[]).find((listed) => listed.name.split("/").at(-1) === name && isOf(listed.url));
}
