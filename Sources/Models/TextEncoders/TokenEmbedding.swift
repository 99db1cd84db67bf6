internal import Compute
internal import ModelLoading
internal import Tensors

/// A table of vectors, one a token id; only the rows that a text needs are read and widened.
struct TokenEmbedding: Sendable {
  private let table: StoredWeight
  /// Number of ids.
  let count: Int
  private let channels: Int

  init(_ loader: WeightLoader, _ name: String, count: Int, channels: Int) throws(ModelError) {
    table = try loader.stored(name, shape: [count, channels])
    self.count = count
    self.channels = channels
  }

  /// The vectors of some ids, `[ids.count, channels]`; ids must lie in `0..<count`.
  func callAsFunction(_ ids: [Int32]) throws(TextEncoderError) -> Tensor {
    var rows: [Float] = []
    rows.reserveCapacity(ids.count * channels)
    do {
      for id in ids { rows += try table.rows(Int(id)..<Int(id) + 1).floats() }
    } catch { throw .unreadable(detail: "\(error)") }
    return Tensor(shape: [ids.count, channels], rows)
  }
}
