internal import Tensors

extension Parallel {
  /// As ``Parallel/map(_:work:_:)``; of several errors the first index's is thrown.
  static func map<Value: Sendable>(
    _ count: Int, work: Int, throwing body: (Int) throws(AlgebraError) -> Value
  ) throws(AlgebraError) -> [Value] {
    let results: [Result<Value, AlgebraError>] = map(count, work: work) { index in
      do throws(AlgebraError) { return .success(try body(index)) } catch { return .failure(error) }
    }
    var values: [Value] = []
    values.reserveCapacity(count)
    for result in results { values.append(try result.get()) }
    return values
  }
}
