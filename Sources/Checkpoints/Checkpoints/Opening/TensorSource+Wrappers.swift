package import Tensors

extension TensorSource {
  /// The same tensors under the names that the model itself gives them, without what wrappers left
  /// in them; ``TensorSource/problems`` says which. Names of no known model stay as they are, since
  /// nobody knows what a segment means there.
  ///
  /// - Throws: ``CheckpointError/sameName(file:tensors:name:)`` when two tensors would get one name.
  package func seenThroughWrappers() throws -> TensorSource {
    var renamed = tensors
    var counts: [(segment: String, tensorCount: Int)] = []
    for position in tensors.indices {
      guard let (name, segments) = WrapperSegments.shared.without(tensors[position].name) else {
        continue
      }
      renamed[position] = tensors[position].named(name)
      for segment in Set(segments).sorted() {
        if let known = counts.firstIndex(where: { $0.segment == segment }) {
          counts[known].tensorCount += 1
        } else {
          counts.append((segment, 1))
        }
      }
    }
    guard !counts.isEmpty, CheckpointSearch(tensors: renamed.map(\.description)).isKnown else {
      return self
    }
    if let clash = firstClash(renamed.map(\.name)) {
      throw CheckpointError.sameName(
        file: path, tensors: [tensors[clash.0].name, tensors[clash.1].name],
        name: renamed[clash.0].name)
    }
    let notes = counts.map { segment, tensorCount in
      "'\(segment).' in \(tensorCount) of \(tensors.count) names is left by "
        + "\(WrapperSegments.shared.owner(of: segment)) and seen through"
    }
    return try TensorSource(
      path: path, container: container, files: files, tensors: renamed,
      metadata: StorageNotes.renaming(metadata) {
        WrapperSegments.shared.without($0)?.name ?? $0
      },
      index: index, problems: problems + notes)
  }

  /// Two positions of one name.
  private func firstClash(_ names: [String]) -> (Int, Int)? {
    let index = TensorIndex(names)
    for (position, name) in names.enumerated() {
      if let first = index[name], first != position { return (first, position) }
    }
    return nil
  }
}
