// Grafana's own schema of a dashboard, which it publishes as types: a value is held against them as the compiler reads them.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const TYPES = join(dirname(fileURLToPath(import.meta.resolve('@grafana/schema/package.json'))), 'dist/types')

/** Data sources spread their query into it, Prometheus too, so that Grafana's schema leaves it open; its types cannot say so. */
const OPEN = 'AnnotationQuery'

/** Says what is wrong with a dashboard, each line with its path; nothing when it is as the schema says. */
export type Judge = (dashboard: unknown) => string[]

/**
 * Reads the schema of dashboards, and of the panels of these `kinds`.
 * @throws Error when the package no longer holds a type by that name
 */
export function grafanaSchema<Kind extends string>(kinds: readonly Kind[]): Judge {
  const files = {
    dashboard: join(TYPES, 'raw/dashboard/x/types.gen.d.ts'),
    ...Object.fromEntries(kinds.map((kind) => [kind, join(TYPES, `raw/composable/${kind}/panelcfg/x/types.gen.d.ts`)])),
  }
  const program = ts.createProgram(Object.values(files), {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    types: [],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ESNext,
  })
  const checker = program.getTypeChecker()
  const typeOf = (file: string, name: string): ts.Type | undefined => {
    const source = program.getSourceFile(file)
    const module = source && checker.getSymbolAtLocation(source)
    const found = module && checker.getExportsOfModule(module).find((symbol) => symbol.name === name)
    return found && checker.getDeclaredTypeOfSymbol(found)
  }
  const needed = (file: string, name: string): ts.Type => {
    const type = typeOf(file, name)
    if (!type) throw new Error(`${file} exports no type ${name}`)
    return type
  }
  const against = new Types(checker)
  const whole = needed(files.dashboard, 'Dashboard')
  const panels = new Map(
    kinds.map((kind) => {
      const file = join(TYPES, `raw/composable/${kind}/panelcfg/x/types.gen.d.ts`)
      return [kind as string, { options: needed(file, 'Options'), custom: typeOf(file, 'FieldConfig') }]
    }),
  )
  return (dashboard) => {
    const found = against.wrong(dashboard, whole, '')
    for (const [index, panel] of list(property(dashboard, 'panels')).entries()) {
      const at = `panels.${index}`
      const kind = panels.get(String(property(panel, 'type')))
      if (!kind) {
        found.push(`${at}.type: no schema was read for ${JSON.stringify(property(panel, 'type'))}`)
        continue
      }
      found.push(...against.wrong(property(panel, 'options') ?? {}, kind.options, `${at}.options`))
      const custom = property(property(property(panel, 'fieldConfig'), 'defaults'), 'custom')
      if (custom !== undefined && kind.custom)
        found.push(...against.wrong(custom, kind.custom, `${at}.fieldConfig.defaults.custom`))
    }
    return found
  }
}

/** Values of JSON against types that hold nothing else. */
class Types {
  readonly #checker: ts.TypeChecker

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker
  }

  wrong(value: unknown, type: ts.Type, path: string): string[] {
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return []
    const says = `${path}: ${JSON.stringify(value)} is no ${this.#checker.typeToString(type)}`
    if (type.isUnion()) {
      const possible = type.types.filter(({ flags }) => value === undefined || !(flags & ts.TypeFlags.Undefined))
      const tried = possible.map((one) => this.wrong(value, one, path))
      if (tried.some((one) => one.length === 0)) return []
      // Of objects, the member that fits best tells most.
      return typeof value === 'object' ? (tried.toSorted((a, b) => a.length - b.length)[0] ?? [says]) : [says]
    }
    if (type.isLiteral()) return value === type.value ? [] : [says]
    if (type.flags & ts.TypeFlags.BooleanLiteral)
      return String(value) === this.#checker.typeToString(type) ? [] : [says]
    if (type.flags & ts.TypeFlags.Null) return value === null ? [] : [says]
    if (type.flags & ts.TypeFlags.Undefined) return value === undefined ? [] : [says]
    if (type.flags & ts.TypeFlags.String) return typeof value === 'string' ? [] : [says]
    if (type.flags & ts.TypeFlags.Number) return typeof value === 'number' ? [] : [says]
    if (this.#checker.isArrayType(type)) {
      if (!Array.isArray(value)) return [says]
      const [member] = this.#checker.getTypeArguments(type as ts.TypeReference)
      return member ? value.flatMap((one, index) => this.wrong(one, member, `${path}.${index}`)) : []
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [says]
    return this.#wrongObject(new Map(Object.entries(value)), type, path)
  }

  #wrongObject(value: ReadonlyMap<string, unknown>, type: ts.Type, path: string): string[] {
    const within = (name: string) => (path === '' ? name : `${path}.${name}`)
    const index = this.#checker.getIndexInfosOfType(type)[0]?.type
    const properties = new Map(this.#checker.getPropertiesOfType(type).map((symbol) => [symbol.name, symbol]))
    const given = [...value].flatMap(([name, one]) => {
      const symbol = properties.get(name)
      const wanted = symbol ? this.#checker.getTypeOfSymbol(symbol) : index
      if (wanted) return this.wrong(one, wanted, within(name))
      return type.symbol?.name === OPEN ? [] : [`${within(name)}: is in no schema of Grafana`]
    })
    const missing = [...properties].filter(
      ([name, { flags }]) => !value.has(name) && !(flags & ts.SymbolFlags.Optional),
    )
    return [...given, ...missing.map(([name]) => `${within(name)}: is missing`)]
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
