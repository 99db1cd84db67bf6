internal import Checkpoints
internal import CommandSupport
internal import Elements
internal import Inspection
internal import Pictures
internal import Reports
internal import SystemPackage
internal import Tensors

/// Facts that reports are made of.
struct FactList {
  /// What it is, in one line.
  var heading = ""
  private(set) var facts: [Report.Fact] = []
  /// Whether nothing is cut.
  let isVerbose: Bool
  /// The types of a GGUF file by their own names; none for other files.
  private let storedTypes: [(name: String, count: Int, byteCount: Int)]

  init(_ inspection: Inspected, isVerbose: Bool) {
    self.isVerbose = isVerbose
    storedTypes = inspection.blockTypes
    switch inspection.subject {
    case .checkpoint(let description): add(description)
    case .adapter(let file, let glance): add(file, glance)
    case .bundle(let bundle, _): add(bundle)
    case .pipeline(let pipeline, let components): add(pipeline, components)
    case .experts(let folder, let experts): add(folder, experts, of: inspection)
    case .picture(let picture): add(picture)
    }
    addDeclared(inspection)
    addFiles(inspection)
    addMetadata(inspection.source?.metadata ?? [])
  }

  mutating func add(_ label: String, _ value: String) { facts.append((label, value)) }
}

extension Report {
  /// Everything about a path.
  ///
  /// - Parameters:
  ///   - inspection: what it is.
  ///   - details: what was asked about besides.
  ///   - isVerbose: whether long texts are shown whole.
  init(_ inspection: Inspected, _ details: InspectionDetails, isVerbose: Bool) {
    let list = FactList(inspection, isVerbose: isVerbose)
    title = SafeText.terminal(inspection.path.string, limit: 1000)
    heading = list.heading
    facts = list.facts
    problems = inspection.findings(with: details).map { finding in
      let advice = finding.isSettledByAlpha ? "; \(AssumedAlphaOption.advice)" : ""
      return (
        finding.severity == .error ? .error : .warning,
        SafeText.terminal(finding.text + advice, limit: 600)
      )
    }
    if let loading = details.loading { answers.append(Section(loading)) }
    if let fit = details.fit { answers.append(Section(fit)) }
    if let difference = details.difference { answers += Section.sections(difference) }
    if case .picture(let picture) = inspection.subject {
      self.picture = (inspection.path, picture.format)
      if let settings = Section(settingsOf: picture, isVerbose: isVerbose) {
        sections.append(settings)
      }
    }
    if let statistics = details.statistics {
      let groups = inspection.tensorGroups(matching: details.tensorGlob ?? "*")
      sections.append(
        Section(statistics: statistics, groups: groups.count == statistics.count ? groups : []))
    } else if let glob = details.tensorGlob {
      sections.append(
        Section(
          listing: inspection.tensors(matching: glob),
          groups: inspection.tensorGroups(matching: glob)))
    }
  }
}

/// What every report has.
extension FactList {
  mutating func addParameters(
    _ count: Int?, _ tensorCount: Int, _ dtypes: [CheckpointDescription.DTypeShare]
  ) {
    // Nothing may tell the shapes of codes.
    if let count {
      add("parameters", "\(Readable.parameters(count)) (\(Readable.count(count)))")
    }
    let shares =
      storedTypes.isEmpty
      ? dtypes.map { ($0.dtype.rawValue, $0.tensorCount, $0.byteCount) } : storedTypes
    let types = shares.map { "\($0) (\(Readable.count($1)), \(Readable.bytes($2)))" }
    add("tensors", "\(Readable.count(tensorCount)): " + types.joined(separator: ", "))
  }

  mutating func addFiles(_ inspection: Inspected) {
    if case .picture = inspection.subject { return }
    guard let source = inspection.source else {
      add(
        "in all",
        "\(Readable.parameters(inspection.parameterCount)) parameters, "
          + Readable.bytes(
            inspection.holdsExperts ? inspection.storedByteCount : inspection.byteCount))
      return
    }
    let files = source.files.count == 1 ? "one file" : "\(source.files.count) shards"
    guard source.container != .safetensors else {
      return add("container", "safetensors, \(files), \(Readable.bytes(source.byteCount))")
    }
    add(
      "container",
      "\(source.container.name), \(files), \(Readable.bytes(inspection.storedByteCount))")
    if let type = inspection.fileType { add("file type", type) }
  }

  mutating func addMetadata(_ metadata: Metadata) {
    let limit = isVerbose ? Int.max : 12
    for (index, (key, value)) in metadata.prefix(limit).enumerated() {
      let isNested = key == "lora_adapter_metadata" || key.hasSuffix(".metadata")
      let label = index == 0 ? "metadata" : ""
      let name = SafeText.terminal(key, limit: 80)
      guard !isNested || isVerbose else {
        let size = Readable.count(value.unicodeScalars.count, "character")
        add(label, "\(name) = JSON of \(size)")
        continue
      }
      addLines(of: value, label: label, name: name)
    }
    if metadata.count > limit {
      add("", "and \(metadata.count - limit) more (--verbose shows all)")
    }
  }
}

/// Texts of several lines.
extension FactList {
  /// Adds a text's lines below each other, as they were meant.
  private mutating func addLines(of text: String, label: String, name: String) {
    let lines = text.lines
    let (count, width) = isVerbose ? (Int.max, 4000) : (8, 100)
    add(label, "\(name) = \(SafeText.terminal(lines.first ?? "", limit: width))")
    for line in lines.dropFirst().prefix(count) {
      add("", "  " + SafeText.terminal(line, limit: width))
    }
    if lines.count - 1 > count {
      add("", "  and \(lines.count - 1 - count) more lines (--verbose shows all)")
    }
  }
}

extension String {
  /// The lines of a text, without empty ones at its end.
  var lines: [String] {
    var lines = split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(
      String.init)
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// The text without what a terminal would act on.
  var safe: String { SafeText.terminal(self) }
}
