/// Segments of tensor names that say only how a model was wrapped when it was saved: `_orig_mod` of
/// torch.compile, `module` of DistributedDataParallel, FSDP's, PEFT's. They carry no meaning and are
/// seen through wherever names are read; `formats/recognition.json` lists them.
///
/// Source: pytorch/pytorch, `torch/_dynamo/eval_frame.py` (`OptimizedModule`),
/// `torch/nn/parallel/distributed.py`, `torch/distributed/fsdp/_common_utils.py` (`FSDP_WRAPPED_MODULE`),
/// `torch/distributed/algorithms/_checkpoint/checkpoint_wrapper.py` (`_CHECKPOINT_WRAPPED_MODULE`);
/// modelscope/DiffSynth-Studio, `diffsynth/diffusion/training_module.py` (`remove_prefix_in_ckpt`).
package struct WrapperSegments: Sendable {
  package static let shared = WrapperSegments()

  private let anywhere: [[UInt8]]
  /// With their closing dot.
  private let leading: [[UInt8]]
  /// Which two bytes segments begin with, the second in the upper half.
  private let beginnings: [UInt16]

  private init() {
    let wrappers = Recognition.shared.wrappers
    anywhere = wrappers.filter { !$0.isLeading }.map { Array($0.segment.utf8) }
    leading = wrappers.filter(\.isLeading).map { Array(($0.segment + ".").utf8) }
    beginnings = Set((anywhere + leading).map { UInt16($0[0]) | UInt16($0[1]) << 8 }).sorted()
  }

  /// A name without the segments that mean nothing wherever they stand.
  ///
  /// - Parameter name: of a tensor or a module.
  /// - Returns: the name without them and each that was there; nil when there is none.
  package func withoutInner(_ name: String) -> (name: String, segments: [String])? {
    guard mayHaveSegments(name) else { return nil }
    var kept: [Substring] = []
    var found: [String] = []
    for part in name.split(separator: ".", omittingEmptySubsequences: false) {
      if anywhere.contains(where: { part.utf8.elementsEqual($0) }) {
        if !found.contains(String(part)) { found.append(String(part)) }
      } else {
        kept.append(part)
      }
    }
    // A name that is nothing else stays one.
    guard !found.isEmpty, !kept.isEmpty else { return nil }
    return (kept.joined(separator: "."), found)
  }

  /// A name without all of them, those that mean nothing only at the beginning included.
  ///
  /// - Parameter name: of a tensor of a checkpoint; names of adapters begin by rules of their own.
  /// - Returns: as ``withoutInner(_:)`` does.
  package func without(_ name: String) -> (name: String, segments: [String])? {
    guard mayHaveSegments(name) else { return nil }
    var (rest, found) = withoutInner(name) ?? (name, [])
    while let start = leading.first(where: { rest.utf8.starts(with: $0) }) {
      rest = String(decoding: rest.utf8.dropFirst(start.count), as: UTF8.self)
      found.append(String(decoding: start.dropLast(), as: UTF8.self))
    }
    return found.isEmpty || rest.isEmpty ? nil : (rest, found)
  }

  /// Whose a segment is.
  package func owner(of segment: String) -> String {
    Recognition.shared.wrappers.first { $0.segment == segment }?.owner ?? ""
  }

  /// A cheap look at a name: false for nearly all that have no segment.
  private func mayHaveSegments(_ name: String) -> Bool {
    let bytes = name.utf8.span
    guard bytes.count > 1 else { return false }
    var position = 0
    while position < bytes.count - 1 {
      let pair = UInt16(bytes[position]) | UInt16(bytes[position + 1]) << 8
      if beginnings.contains(pair), isSegment(bytes, at: position) { return true }
      while position < bytes.count, bytes[position] != UInt8(ascii: ".") { position += 1 }
      position += 1
    }
    return false
  }

  private func isSegment(_ bytes: Span<UInt8>, at start: Int) -> Bool {
    let isInner = anywhere.contains { segment in
      let end = start + segment.count
      return (end == bytes.count || (end < bytes.count && bytes[end] == UInt8(ascii: ".")))
        && segment.indices.allSatisfy { bytes[start + $0] == segment[$0] }
    }
    return isInner
      || leading.contains { segment in
        start + segment.count <= bytes.count
          && segment.indices.allSatisfy { bytes[start + $0] == segment[$0] }
      }
  }
}
