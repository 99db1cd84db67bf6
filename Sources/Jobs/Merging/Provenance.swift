internal import Adapters
internal import Checkpoints
internal import Elements
internal import Failures
internal import Files
internal import JSON
internal import Rewriting
internal import SystemPackage
internal import Tensors
internal import Text

/// What a merged checkpoint says of its making: formats/glance-metadata.md, "Merged checkpoints".
struct Provenance {
  private let request: BakeRequest
  private let input: OpenedCheckpoint

  /// Bytes that a header gets for what is known only when all is written.
  static let reserve = 512

  init(_ request: BakeRequest, _ input: OpenedCheckpoint) {
    self.request = request
    self.input = input
  }

  /// Metadata that are as true of every checkpoint merged from a base as of the base: those without
  /// digests, without a phase and without what an earlier merge said.
  static func lasting(
    _ metadata: Metadata
  ) -> Metadata {
    let earlier = ["modelspec.merged_from", "glance.merged"]
    let list = metadata.withoutDigests.filter { text in
      !BakedDeclaration.isKey(text.key) && !earlier.contains { text.key.utf8HasPrefix($0) }
    }
    return list.isEmpty ? [("format", "pt")] : list
  }

  /// The base's metadata, without digests that are no longer true, and what was merged into it.
  ///
  /// - Parameters:
  ///   - metadata: of the base.
  ///   - survival: of all modules, when it is known.
  ///   - baseDigest: of the base's tensors, when it is known.
  /// - Returns: the texts of the output's header.
  /// - Throws: when an adapter can't be read again for its digest, or metadata are malformed.
  func metadata(
    from metadata: Metadata, survival: Survival? = nil,
    baseDigest: String? = nil
  ) throws -> Metadata {
    let list = Self.lasting(metadata) + (try declaration())
    let earlier = input.source.texts.filter { $0.key.utf8HasPrefix("glance.merged") }
    let names = request.adapters.compactMap { $0.file.lastComponent?.string }
    var made: Metadata = [
      (
        "modelspec.merged_from",
        ([input.path.lastComponent?.string ?? ""] + names).joined(separator: ", ")
      ),
      ("glance.merged", JSONValue.array(try adapters()).text()),
      ("glance.merged_rounding", request.form.rounding.text),
      ("glance.merged_by", "glance-merge \(toolkitVersion)"),
      ("glance.merged_base", base(digest: baseDigest).text()),
    ]
    if !earlier.isEmpty {
      // What the base was made of is still in it.
      made.append(("glance.merged_earlier", JSONValue.object(earlier.json).text()))
    }
    if let survival {
      let summary: JSONValue = [
        "cosine": survival.cosine.map { .number($0) } ?? .null,
        "gain": survival.gain.map { .number($0) } ?? .null,
        "norm": .number(survival.norm), "unchanged": .number(survival.unchangedShare),
      ]
      made.append(("glance.merged_survival", summary.text()))
    }
    return list + made
  }

  /// The phase that the output serves, and the schedule of which it is a part.
  private func declaration() throws -> Metadata {
    let adapters = try request.adapters.map {
      (phase: $0.phase, metadata: try GlanceMetadata($0.adapter.metadata, file: $0.file))
    }
    let base = try GlanceMetadata(input.source.texts, file: input.path)
    return BakedDeclaration(adapters: adapters, base: base).pairs
  }

  private func adapters() throws -> [JSONValue] {
    try request.adapters.map { merged in
      var object: JSONObject = [
        "file": .string(merged.file.lastComponent?.string ?? ""),
        "sha256": .string(try SHA256.hexadecimal(of: merged.file)),
        "phase": merged.phase.map { .string($0) } ?? .null, "strength": .number(merged.strength),
        "modules": .integer(Int64(merged.adapter.changedModuleCount)),
      ]
      if !merged.blocks.isEmpty { object["blocks"] = merged.blocks.json }
      object["assumed_alpha"] = merged.assumedAlpha.map { .number($0) }
      return .object(object)
    }
  }

  private func base(digest: String?) -> JSONValue {
    var object: JSONObject = [
      "file": .string(input.path.lastComponent?.string ?? ""),
      "bytes": .integer(Int64(input.source.byteCount)),
      "tensors": .integer(Int64(input.source.tensors.count)),
    ]
    if let digest { object["xxh3"] = .string(digest) }
    return .object(object)
  }
}
