/** Formats Lua with StyLua in the browser; its module is fetched when it is first asked for. */
import type * as StyLua from '@johnnymorganz/stylua/web';

let loading: Promise<typeof StyLua> | undefined;

async function load(): Promise<typeof StyLua> {
  const stylua = await import('@johnnymorganz/stylua/web');
  await stylua.default();
  return stylua;
}

/** Undefined: the text is not Lua that it can read. */
export async function formatLua(text: string): Promise<string | undefined> {
  loading ??= load();
  const { Config, formatCode, IndentType, LuaVersion, OutputVerification } = await loading;
  const config = Config.new();
  config.syntax = LuaVersion.Lua54;
  config.indent_type = IndentType.Spaces;
  config.indent_width = 2;
  try {
    return formatCode(text, config, undefined, OutputVerification.None);
  } catch {
    return undefined;
  }
}
