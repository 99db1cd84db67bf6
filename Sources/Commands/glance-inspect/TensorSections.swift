internal import Elements
internal import Inspection
internal import Reports
internal import Tensors

/// Lists of tensors, with what their numbers are like.
extension Report.Section {
  /// Where every tensor lies.
  init(listing tensors: [TensorView], groups: [String]) {
    self.init("tensors")
    var table = Report.Table([
      .init(name: "tensor"), .init(name: "dtype", isPlain: true),
      .init(name: "shape", isPlain: true), .init(name: "bytes", isNumber: true, isBytes: true),
      .init(name: "offset", isNumber: true),
    ])
    for tensor in tensors {
      // As the file stores it, in the container's own words.
      let place = StoredPlace(of: tensor)
      table.rows.append([
        .text(SafeText.terminal(tensor.name)), .text(place?.type ?? tensor.dtype.rawValue),
        .text("\(tensor.shape)"), .text("\(place?.byteCount ?? tensor.byteCount)"),
        .text(place.map { "\($0.offset)" } ?? "-"),
      ])
    }
    table.groups = groups
    self.table = table
    footer = Readable.count(tensors.count, "tensor")
  }

  /// What the numbers of every tensor are like.
  init(statistics: [InspectionDetails.Reading], groups: [String]) {
    self.init("statistics")
    var table = Report.Table(
      [
        .init(name: "tensor"), .init(name: "dtype", isPlain: true),
        .init(name: "shape", isPlain: true), .init(name: "histogram", isPlain: true),
      ]
        + ["min", "max", "mean", "std", "zeros", "<2^-6", "NaN", "Inf"].map {
          .init(name: $0, isNumber: true)
        })
    for read in statistics {
      let name = [read.tensor.name, read.storage, "\(read.tensor.shape)"].map {
        Report.Cell.text(SafeText.terminal($0))
      }
      guard let statistics = read.statistics else {
        table.rows.append(name + [.text("not read")])
        continue
      }
      let numbers = [
        statistics.minimum, statistics.maximum, statistics.mean, statistics.standardDeviation,
      ].map { $0.map { Readable.significant($0, digits: 4) } ?? "-" }
      let shares = [statistics.zeroCount, statistics.smallCount].map {
        Readable.significant(100 * statistics.share($0), digits: 3) + " %"
      }
      let counts = [statistics.nanCount, statistics.infinityCount].map { Readable.count($0) }
      table.rows.append(
        name + [.histogram(statistics.histogram)]
          + (numbers + shares + counts).map(Report.Cell.text))
    }
    table.groups = groups
    self.table = table
    footer =
      Readable.count(statistics.count, "tensor")
      + "; histograms go from min to max, <2^-6 is what E4M3 has no normal numbers for"
  }
}
