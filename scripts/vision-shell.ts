/**
 * How build-vision.sh is run. Windows has no such shell of its own; Git, which the build needs in any case, brings one that
 * runs its aliases.
 */
type Command = { readonly file: string; readonly arguments: readonly string[] };

export function visionShell(script: string, platform: NodeJS.Platform): Command {
  if (platform !== "win32") return { file: "sh", arguments: [script] };
  const quoted = `'${script.replaceAll("\\", "/").replaceAll("'", String.raw`'\''`)}'`;
  return { file: "git", arguments: ["-c", `alias.build-vision=!sh ${quoted}`, "build-vision"] };
}
