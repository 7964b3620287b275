"""Points in time: the only clock there is are dates written in the catalog and in locks."""

def _days(year, month, day):
    """Days from 1970-01-01, in the Gregorian calendar; years begin in March, so that leap days end them."""
    year -= 1 if month <= 2 else 0
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468

def snapshot_epoch(snapshot):
    """Seconds since 1970 of a lock's snapshot, YYYYMMDDTHHMMSSZ."""
    date, _, time = snapshot.removesuffix("Z").partition("T")
    days = _days(int(date[:4]), int(date[4:6]), int(date[6:8]))
    return days * 86400 + int(time[:2]) * 3600 + int(time[2:4]) * 60 + int(time[4:6])

def snapshot_rfc3339(snapshot):
    """A lock's snapshot as YYYY-MM-DDTHH:MM:SSZ."""
    date, _, time = snapshot.removesuffix("Z").partition("T")
    return "{}-{}-{}T{}:{}:{}Z".format(
        date[:4],
        date[4:6],
        date[6:8],
        time[:2],
        time[2:4],
        time[4:6],
    )
