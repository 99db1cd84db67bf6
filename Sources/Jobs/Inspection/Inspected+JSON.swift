internal import Adapters
internal import Checkpoints
internal import Elements
public import JSON
internal import Pictures
public import SystemPackage
internal import Tensors

/// The report for programs: one object, documented in formats/inspection.md.
extension Inspected {
  /// The version of the object's keys and their meaning.
  public static let jsonVersion = 1

  /// Everything that is known, for programs.
  ///
  /// - Parameter details: what was asked about besides.
  /// - Returns: one object.
  public func json(_ details: InspectionDetails = InspectionDetails()) -> JSONValue {
    var object: JSONObject = ["version": .integer(Int64(Self.jsonVersion))]
    object["path"] = .string(path.string)
    addFacts(to: &object)
    object["problems"] = .array(
      findings(with: details).map {
        ["severity": .string($0.severity.rawValue), "text": .string($0.text)]
      })
    if let statistics = details.statistics {
      object["tensor_list"] = .array(
        statistics.map { read in
          var entry = read.tensor.json
          entry["scaled"] = .bool(read.isScaled)
          entry["stats"] = read.statistics?.json ?? .null
          return .object(entry)
        })
    } else if let glob = details.tensorGlob {
      object["tensor_list"] = .array(tensors(matching: glob).map { .object($0.json) })
    }
    details.add(to: &object)
    return .object(object)
  }

  /// What is known of a path that can't be read.
  ///
  /// - Parameters:
  ///   - path: as it was given.
  ///   - problem: why it can't.
  /// - Returns: one object.
  public static func json(of path: FilePath, problem: String) -> JSONValue {
    [
      "version": .integer(Int64(jsonVersion)), "path": .string(path.string), "kind": "unknown",
      "problems": [["severity": "error", "text": .string(problem)]],
    ]
  }

  func addFacts(to object: inout JSONObject) {
    switch subject {
    case .checkpoint(let description): add(description, to: &object)
    case .adapter(let file, let glance): add(file, glance, to: &object)
    case .bundle(let bundle, let glance): add(bundle, glance, to: &object)
    case .pipeline(let pipeline, let components):
      add(pipeline, components, to: &object)
      return
    case .experts(let folder, let experts):
      add(folder, experts, to: &object)
      return
    case .picture(let picture): add(picture, to: &object)
    }
    guard let source else { return }
    object["container"] = .string(source.container.name)
    object["files"] = JSONValue(count: source.files.count)
    object["tensors"] = JSONValue(count: source.tensors.count)
    object["bytes"] = JSONValue(count: source.byteCount)
    if source.container != .safetensors {
      object["stored_bytes"] = JSONValue(count: storedByteCount)
      let blockTypes = blockTypes
      if !blockTypes.isEmpty {
        object["gguf_types"] = JSONValue(counts: blockTypes.map { ($0.name, $0.count) })
        object["gguf_bytes"] = JSONValue(counts: blockTypes.map { ($0.name, $0.byteCount) })
        object["file_type"] = fileType.map(JSONValue.string) ?? .null
      }
    }
    object["dtypes"] = .object(
      JSONObject(
        CheckpointDescription.DTypeShare.shares(of: source.tensors.lazy.map(\.description)).map {
          .init(
            key: $0.dtype.rawValue,
            value: [
              "tensors": JSONValue(count: $0.tensorCount), "bytes": JSONValue(count: $0.byteCount),
            ])
        }))
    object["metadata"] = .object(
      JSONObject(source.metadata.map { .init(key: $0.key, value: .string($0.value)) }))
  }

  private func add(_ description: CheckpointDescription, to object: inout JSONObject) {
    object["kind"] = "checkpoint"
    switch description.subject {
    case .transformer(let architecture):
      object["family"] = .string(architecture.family.name)
      object["variant"] = description.variant.map { .string($0.name) } ?? .null
      add(architecture, to: &object)
    case .component(let name, let kind, _):
      object["kind"] = .string(kind)
      object["family"] = .string(name)
    case .lookAlike(let title):
      object["look_alike"] = .string(title)
      object["layers"] = JSONValue(counts: description.layers)
    case .unknown:
      object["kind"] = "unknown"
      // Names that are numbers may be as many as tensors.
      let groups = description.namesBegin.prefix(100)
      object["names_begin"] = JSONValue(
        counts: groups.map { (name: $0.beginning, count: $0.tensorCount) })
    }
    if declared.phase != nil || declared.sigmas != nil { add(declared, to: &object) }
    object["layout"] = description.layoutName.map(JSONValue.string) ?? .null
    object["prefix"] = .string(description.prefix)
    let lacksShapes = description.weights.lacksShapes(under: description.prefix)
    object["parameters"] = lacksShapes ? .null : JSONValue(count: description.parameterCount)
    object["storage"] = description.storage.map(JSONValue.string) ?? .null
    let layers = description.weights.layerCounts(under: description.prefix)
    if !layers.isEmpty { object["storage_layers"] = JSONValue(counts: layers) }
    let bundled = description.bundled.map { (name: $0.component, count: $0.tensorCount) }
    if !bundled.isEmpty { object["bundled"] = JSONValue(counts: bundled) }
  }

  private func add(_ architecture: Architecture, to object: inout JSONObject) {
    let dimensions = architecture.dimensions
    for kind in architecture.family.blocks {
      let key = kind.name == "blocks" ? "blocks" : kind.name + "_blocks"
      object[key] = JSONValue(count: dimensions.blockCount(kind.name))
    }
    object["in_channels"] = dimensions["in"].map(JSONValue.init(count:)) ?? .null
    object["dimensions"] = .object(
      JSONObject(
        architecture.family.dimensions.compactMap { dimension in
          dimensions[dimension.name].map {
            .init(key: dimension.name, value: JSONValue(count: $0))
          }
        }))
    for flag in architecture.family.flags {
      object[flag.name] = .bool(dimensions.flags[flag.name] ?? false)
    }
  }

  private func add(
    _ file: AdapterFile, _ glance: GlanceMetadata, to object: inout JSONObject
  ) {
    let summary = AdapterSummary(file)
    object["kind"] = "lora"
    object["family"] = file.family.map { .string($0.name) } ?? .null
    object["families"] = .array(file.families.map { .string($0.name) })
    object["other_model"] = file.otherModel.map(JSONValue.string) ?? .null
    if file.otherModel != nil { object["layers"] = JSONValue(counts: file.layerCounts) }
    object["dialect"] = file.dialects.first.map { .string($0.name) } ?? .null
    object["dialects"] = .object(
      JSONObject(
        file.dialects.map { .init(key: $0.name, value: JSONValue(count: $0.entryCount)) }))
    object["parameters"] = JSONValue(count: parameterCount)
    object["modules"] = JSONValue(count: file.modules.count)
    object["methods"] = .object(
      JSONObject(
        file.methods.map { .init(key: $0.title, value: JSONValue(count: $0.modules.count)) }))
    object["canonical_modules"] = JSONValue(count: summary.moduleCount)
    object["ranks"] = .array(file.ranks.map(JSONValue.init(count:)))
    object["alphas"] = .array(file.alphas.map(JSONValue.number))
    object["scale"] = .array(file.scales.map(JSONValue.number))
    object["scale_source"] = .array(
      file.scaleSources.map { JSONValue.string($0.rawValue) })
    object["scale_stated_by"] = .array(file.scaleStatements.map { JSONValue.string($0) })
    object["target_preset"] = summary.preset.map(JSONValue.string) ?? .null
    object["targets"] = .object(
      JSONObject(
        summary.targets.map { .init(key: $0.suffix, value: JSONValue(count: $0.moduleCount)) }))
    object["text_encoder_tensors"] = JSONValue(count: file.textEncoderTensors.count)
    object["text_encoders"] = .object(
      JSONObject(
        file.textEncoders.map { component, modules in
          .init(
            key: component,
            value: [
              "modules": JSONValue(count: modules.count),
              "ranks": .array(modules.ranks.map(JSONValue.init(count:))),
              "scale": .array(modules.scales.map(JSONValue.number)),
            ])
        }))
    add(glance, to: &object)
  }

  private func add(
    _ bundle: ExpertBundle, _ glance: GlanceMetadata, to object: inout JSONObject
  ) {
    object["kind"] = "bundle"
    let families = bundle.experts.map { $0.adapter.family?.name }
    object["family"] = families.first.flatMap { $0 }.map(JSONValue.string) ?? .null
    object["parameters"] = JSONValue(count: parameterCount)
    object["experts"] = .array(
      bundle.experts.map { expert in
        [
          "phase": .string(expert.phase ?? ""),
          "modules": JSONValue(count: expert.adapter.modules.count),
          "ranks": .array(expert.adapter.ranks.map(JSONValue.init(count:))),
          "scale": .array(expert.adapter.scales.map(JSONValue.number)),
        ]
      })
    add(glance, to: &object)
  }

  private func add(_ glance: GlanceMetadata, to object: inout JSONObject) {
    object["phase"] = glance.phase.map(JSONValue.string) ?? .null
    object["schedule"] = glance.sigmas.map(JSONValue.string) ?? .null
  }

  private func add(_ picture: PictureDescription, to object: inout JSONObject) {
    object["kind"] = "picture"
    object["container"] = .string(picture.format.rawValue)
    object["width"] = JSONValue(count: picture.width)
    object["height"] = JSONValue(count: picture.height)
    object["color"] = .string(picture.color.rawValue)
    object["channels"] = JSONValue(count: picture.channels)
    object["bit_depth"] = JSONValue(count: picture.bitDepth)
    object["texts"] = .array(
      picture.texts.map { ["key": .string($0.key), "text": .string($0.text)] })
    let settings = picture.texts.first { $0.key == "glance" }
    object["settings"] = settings.flatMap { try? JSONValue(parsing: $0.text) } ?? .null
  }

  private func add(
    _ pipeline: PipelineFolder, _ components: [PipelineComponent], to object: inout JSONObject
  ) {
    object["kind"] = "pipeline"
    object["class"] = .string(pipeline.className)
    let transformer = components.first { $0.name == "transformer" }?.inspection
    let description = transformer.flatMap { inspection in
      if case .checkpoint(let description) = inspection.subject { description } else { nil }
    }
    object["family"] = (description?.family ?? pipeline.family).map { .string($0.name) } ?? .null
    object["variant"] = description?.variant.map { .string($0.name) } ?? .null
    if declared.phase != nil || declared.sigmas != nil { add(declared, to: &object) }
    object["parameters"] = JSONValue(count: parameterCount)
    object["bytes"] = JSONValue(count: byteCount)
    object["components"] = .object(
      JSONObject(
        components.map { component in
          var facts: JSONObject = ["class": .string(component.className)]
          component.inspection?.addFacts(to: &facts)
          return .init(key: component.name, value: .object(facts))
        }))
  }
}

extension JSONValue {
  init(count: Int) { self = .integer(Int64(count)) }

  /// An object with a count under each name.
  init(counts: [(name: String, count: Int)]) {
    self = .object(
      JSONObject(counts.map { .init(key: $0.name, value: JSONValue(count: $0.count)) }))
  }

  /// A number, or null.
  init(_ number: Double?) { self = number.map(JSONValue.number) ?? .null }
}
