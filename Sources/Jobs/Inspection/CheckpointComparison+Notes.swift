internal import SystemPackage
internal import Tensors

/// What is said of tensors that are no parameters.
extension CheckpointComparison {
  /// One sentence for each side that has some, and one for those that aren't the same in both.
  static func notes(
    _ pairs: ParameterPairs, in path: FilePath, _ other: FilePath
  ) throws -> [String] {
    var notes = [(path, pairs.leftCompanions), (other, pairs.rightCompanions)].compactMap {
      path, companions in
      companions.first.map {
        "\(path): \(names($0, of: companions.count)) no weight; weights are compared as the numbers "
          + "that they stand for, scales applied"
      }
    }
    let index = TensorIndex(pairs.rightCompanions.lazy.map(\.name))
    let different = try pairs.leftCompanions.filter { companion in
      guard let position = index[companion.name] else { return false }
      let match = pairs.rightCompanions[position]
      return try companion.shape != match.shape
        || TensorDifference(StoredWeight(companion), StoredWeight(match)) != nil
    }
    if let first = different.first {
      notes.append("\(names(first, of: different.count)) not the same in both")
    }
    return notes
  }

  private static func names(_ first: TensorView, of count: Int) -> String {
    count == 1 ? "'\(first.name)' is" : "'\(first.name)' and \(count - 1) more are"
  }
}
