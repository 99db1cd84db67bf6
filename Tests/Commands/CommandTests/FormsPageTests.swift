import Elements
import Files
import Glibc
import JSON
import SystemPackage
import TestSupport
import Testing

/// `docs/forms.md`: every encoding and every method of adapters that `formats/` knows, and what is done with each;
/// errors are measured on a small model.
@Suite("The page of forms")
struct FormsPageTests {
  private let folder: TemporaryFolder
  private static let root = Fixtures.folder.removingLastComponent().removingLastComponent()

  init() throws {
    folder = try TemporaryFolder()
    let model = TinyModel(
      title: "dev", hidden: 256, mlp: 1024, head: 32, doubleBlocks: 1, singleBlocks: 1)
    try model.write(to: base, dtype: .bf16)
  }

  private var base: FilePath { folder.path.appending("base.safetensors") }

  /// To write the page anew after a change of formats/, set `GLANCE_WRITE_PAGES`.
  @Test("says what formats/ say, and what errors are")
  func page() throws {
    let page = Self.root.appending("docs").appending("forms.md")
    let text = try [introduction, encodings(), blocks(), methods(), beginnings()]
      .joined(separator: "\n")
    if unsafe getenv("GLANCE_WRITE_PAGES") != nil {
      let descriptor = try FileDescriptor.open(
        page, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
      _ = try descriptor.closeAfter { try descriptor.writeAll(Array(text.utf8)) }
    }
    let found = try Fixtures.text(page)
    for (own, shown) in zip(text.split(separator: "\n"), found.split(separator: "\n")) {
      #expect(own == shown)
      if own != shown { break }
    }
    #expect(text == found)
  }

  private let introduction = """
    # Forms: what is read and what is written

    Made from `formats/` by `FormsPageTests`, which fails where this page says something else. [conversions.md](conversions.md)
    and [merging.md](merging.md) show how forms are made and used.

    *Read* means by every command: inspected, converted, merged into, drawn with and trained on, without a conversion
    before. *Exact* means bit for bit what the form's own program decodes on a CPU, recorded by
    `tools/record-encoding-goldens` and `tools/record-gguf-goldens`, which name packages and versions. *Named* means that
    inspection says what it is, and everything else refuses it by that name.

    """

  private func document(_ name: String) throws -> JSONValue {
    try JSONValue(
      parsing: Fixtures.text(Self.root.appending("formats").appending("\(name).json")))
  }

  private func table(_ header: [String], _ rows: [[String]]) -> String {
    ([header, header.map { _ in "---" }] + rows)
      .map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
  }

  // MARK: Encodings

  private func encodings() throws -> String {
    let storages = try document("stored-forms")["storages"]?.array ?? []
    var names: [String] = []
    for name in storages.compactMap({ $0["name"]?.string }) where !names.contains(name) {
      names.append(name)
    }
    let rows = try names.map { name in
      let entries = storages.filter { $0["name"]?.string == name }
      let isRead = entries.contains { $0["read"]?.bool == true }
      let loaders = entries.compactMap { $0["loaders"]?.string }.first ?? "–"
      let exactness = entries.compactMap { $0["exactness"]?.string }.first ?? "exact"
      let written = entries.contains { $0["write"] != nil }
      return [
        entries[0]["title"]?.string ?? "", isRead ? exactness : "named",
        try written ? "`--encoding \(name)`, error \(error("--encoding", name))" : other(name),
        loaders,
      ]
    }
    return """
      ## Encodings of safetensors

      Errors are relative, without calibration, of a small FLUX.1 with normal random weights in BF16.


      """ + table(["form", "read", "written", "taken by"], rows)
  }

  /// What else writes a form than `--encoding` with its name.
  private func other(_ name: String) throws -> String {
    switch name {
    case "comfyui-scaled-fp8-2": "`--scaled` or `--encoding fp8`, error \(try error("--scaled"))"
    case "comfyui-scaled-fp8-1": "`--scaled --scaled-form 1`"
    default: "–"
    }
  }

  /// The relative error of a conversion.
  private func error(_ options: String...) throws -> String {
    let output = folder.path.appending(options.contains("--gguf") ? "a.gguf" : "a.safetensors")
    let run = try BuiltCommand("glance-convert").run(
      [base.string, "--output", output.string, "--json", "--force"] + options)
    #expect(run.status == 0, "\(run.errors)")
    let found = try JSONValue(parsing: run.output)["relative_error"]?.double ?? .nan
    return "\((found * 10_000).rounded() / 100) %"
  }

  // MARK: GGUF

  private func blocks() throws -> String {
    let presets = try document("gguf")["presets"]?.array ?? []
    let types = BlockType.allCases.prefix { $0 != .i8 }
    let rows = try types.map { type in
      let names = presets.filter { $0["type"]?.string == type.name }
        .compactMap { $0["name"]?.string }
      let bits = Double(8 * type.byteCount) / Double(type.elementCount)
      return [
        type.name, "\((bits * 100).rounded() / 100)", type.isDecodable ? "exact" : "named",
        try names.first.map { first in
          names.map { "`--gguf \($0)`" }.joined(separator: ", ")
            + ", error \(try error("--gguf", first))"
        } ?? "–",
      ]
    }
    return """
      ## Blocks of GGUF

      ComfyUI-GGUF, stable-diffusion.cpp and diffusers read these; which of them reads which type differs. Errors are
      of the same model.


      """ + table(["type", "bits a weight", "read", "written"], rows)
  }

  // MARK: Methods

  private func methods() throws -> String {
    let loaders = try document("loaders")["loaders"]?.array ?? []
    let families = ["flux1": "FLUX.1", "qwen-image": "Qwen-Image"]
    var titles: [String] = []
    let rows = try (document("adapter-dialects")["methods"]?.array ?? []).compactMap { method in
      let title = method["method"]?.string ?? ""
      guard !titles.contains(title) else { return [String]?.none }
      titles.append(title)
      let reading = method["read"]?.string.map { Self.readings[$0] ?? ("?", "?") }
      let verdicts = loaders.map { loader in
        let rules = (loader["methods"]?.array ?? []).filter {
          ($0["methods"]?.array ?? []).contains(.string(title))
        }
        let said = rules.map { rule in
          (rule["then"]?.string ?? "")
            + (rule["family"]?.string.map { " (\(families[$0] ?? $0))" } ?? "")
        }
        var kept: [String] = []
        for verdict in said where !kept.contains(verdict) { kept.append(verdict) }
        return kept.isEmpty ? "–" : kept.joined(separator: ", ")
      }
      return [title, reading?.used ?? "named", reading?.converted ?? "–"] + verdicts
    }
    let titlesOfLoaders = loaders.compactMap { $0["title"]?.string }
    return """
      ## Methods of adapters beside plain LoRA

      What loaders do is what `glance-inspect --as` goes by: `loads`, `ignores` (the keys are left out) or `refuses`; several
      where it depends on names or on what else is in the file, – where it isn't known.


      """ + table(["method", "used", "converted"] + titlesOfLoaders, rows)
  }

  // MARK: Beginnings

  private func beginnings() throws -> String {
    let scales = try document("adapter-scales")
    let others = (scales["other_bases"]?.array ?? []).map { entry in
      let isFoundAgain = entry["found_again"] != nil
      let stated =
        entry["begins"]?.string.map { "`\($0)`\(isFoundAgain ? "" : " …")" }
        ?? "`\(entry["field"]?.string ?? "")`"
      return [
        "\(entry["title"]?.string ?? "") (\(stated))", "named",
        isFoundAgain ? "`--base BASE`: a LoRA of twice the rank, within PEFT's float32" : "–",
      ]
    }
    let own = (scales["own_bases"]?.array ?? []).compactMap(\.string).map { "`\($0)`" }
    return """
      ## How training began

      What `init_lora_weights` of PEFT's description says. Other ways than these are noted, and taken for plain.


      """
        + table(
          ["beginning", "used", "converted"],
          others + [[own.joined(separator: ", "), "as a plain LoRA", "as a plain LoRA"]])
  }

  private static let readings: [String: (used: String, converted: String)] = [
    "magnitude": (
      "baked, drawn with",
      "between PEFT's form and LyCORIS', exact: lengths of rows; of columns, in LyCORIS'"
    ),
    "hadamard": ("baked, drawn with", "a LoRA, exact"),
    "kronecker": ("baked, drawn with", "a LoRA: exact with a divided factor, else `--rank`"),
    "difference": ("baked, drawn with", "weights: a LoRA by `--rank`"),
    "scaled-bias": ("baked, drawn with", "between names, exact"),
    "replacement": ("baked, drawn with", "–"),
    "norms": ("baked", "between the published names and diffusers', exact"),
    "shape": ("baked, where it is the LoRA's own", "–"),
  ]
}
